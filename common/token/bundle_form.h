/* What writing and reading a bundle share (bundle_write.c, bundle_read.c). */
#pragma once

#include "common/json/json.h"
#include "common/token/bundle.h"

/* False: not a string that names a state. */
bool bundle_state_read(const struct scan_value *v, enum bundle_key_state *ret);

/* The text that the predecessor of this bundle key signs. */
#define BUNDLE_LINK_WORD "jwt-bundle-key"
#define BUNDLE_LINK_MAX                                                                        \
    (sizeof(BUNDLE_LINK_WORD) - 1 + 1 + VALUE_NAME_MAX + 1 + KEY_THUMBPRINT_LEN)
enum tok_err bundle_link_text(const char *iss, const struct key *key,
                              char ret[BUNDLE_LINK_MAX + 1], size_t *ret_n) MUST_CHECK;
