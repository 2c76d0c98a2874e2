#include "issue.h"
