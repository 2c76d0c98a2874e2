#include "timespan.h"
