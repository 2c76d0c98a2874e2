/* Reading PEM, for key_read(). */
#pragma once

#include "common/jose/key.h"

enum tok_err key_from_pem(const struct key_reading *how, struct slice pem, struct key **ret,
                          struct errmsg *errmsg) MUST_CHECK;
