#include "alg.h"
