/*
 * The environment of askpass. The variables never hold a token.
 */
#pragma once

/* Set by `jwtctl run --whole`: password prompts of every process are answered with the
 * session's own access token. */
#define ASKPASS_WHOLE "JWT_ASKPASS_WHOLE"

/* "sudo": prompts that have the form of sudo's are sudo's, whatever process asks. Set by a user
 * who calls askpass from another program; `jwtctl run` removes it. */
#define ASKPASS_SERVICE "JWT_ASKPASS_SERVICE"
