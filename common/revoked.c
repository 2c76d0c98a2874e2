#include "revoked.h"
