/*
 * The setting Claim=PATH:VALUE. A path is names of members, separated by dots, as in jq and
 * JMESPath: realm_access.roles. A name with a dot or a colon in it is quoted:
 * "https://corp.example/roles"; one that begins with http:// or https:// may do without quotes
 * and then extends to the last colon. A value is the rest of the text, or one or more quoted
 * ones, of which one must hold. An array holds when an element does.
 */
#pragma once

#include "common/token/claims.h"

/* False for a text of another form. */
bool claim_test_split(struct slice text, struct slice *ret_path, struct slice *ret_values);

/* Path and values are those of claim_test_split. *ret_found is what the claims have there, and
 * stays as it is where they have nothing. */
bool claim_test_holds(const struct claims *c, struct slice path, struct slice values,
                      struct scan_value *ret_found);
