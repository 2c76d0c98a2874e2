/*
 * jwtctl key new, export, import: single keys in files, JWK and PEM.
 */
#pragma once

#include "common/jose/alg.h"

/* --alg=NAME. EXIT_SUCCESS or EXIT_USAGE, told. */
int key_alg_option(const char *name, const char *value, alg_set *ret) MUST_CHECK;
