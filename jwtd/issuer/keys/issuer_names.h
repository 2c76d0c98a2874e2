/*
 * The issuer and the audiences that this issuer's tokens carry (claims iss and aud), and their
 * copy DIR/issuer, which pam_jwt reads.
 */
#pragma once

#include "common/base/text.h"

struct issuer_names {
    char *issuer;
    word_list audience; /* at least one */
    /* Made of the host name, because neither settings nor file have it. */
    bool issuer_is_host, audience_is_host;
};

void issuer_names_clear(struct issuer_names *names);

/* *settings as far as it is set (NULL members: not set), then DIR/issuer, then the lower-cased
 * host name. TOK_SETTINGS: the file or the host name is malformed. */
enum tok_err issuer_names_find(const char *dir, const struct issuer_names *settings,
                               const char *host, struct issuer_names *ret,
                               struct errmsg *errmsg) MUST_CHECK;

/* A copy in which what was made of the host name is short and random: https:// and 7
 * characters, 8 characters. TOK_CRYPTO: no random bytes; TOK_NO_MEMORY. */
enum tok_err issuer_names_shorten(const struct issuer_names *names,
                                  struct issuer_names *ret) MUST_CHECK;

bool issuer_names_equal(const struct issuer_names *a, const struct issuer_names *b);

/* The text of DIR/issuer: the lines Issuer= and Audience=; malloc'ed. TOK_NO_MEMORY. */
enum tok_err issuer_names_text(const struct issuer_names *names, char **ret) MUST_CHECK;
