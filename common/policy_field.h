/*
 * One field of a policy: how its value is read from text, copied and told again. The words that
 * lead to the fields are policy_words.c's.
 */
#pragma once

#include "policy.h"

enum policy_kind {
    POLICY_PATH,
    POLICY_PATH_OR_NONE,
    POLICY_MAP, /* "none", "same" or a path */
    POLICY_NAME,
    POLICY_NAME_OR_EMPTY,
    POLICY_NAMES,
    POLICY_ALGORITHMS,
    POLICY_TYPS,
    POLICY_CLAIMS,
    POLICY_CHOICE, /* "optional" or "required" */
    POLICY_FLAG,
    POLICY_SECONDS,
    POLICY_BYTES,
};

struct policy_field {
    enum policy_kind kind;
    size_t offset;
    uint64_t min, max; /* of seconds and bytes */
};

/* Replaces the field's value (of claims: adds one). TOK_SETTINGS, TOK_NO_MEMORY. */
enum tok_err policy_field_set(struct policy *p, const struct policy_field *f,
                              struct slice value, char separator) MUST_CHECK;

/* Replaces to's value by from's. TOK_NO_MEMORY. */
enum tok_err policy_field_copy(const struct policy *from, const struct policy_field *f,
                               struct policy *to) MUST_CHECK;

void policy_field_clear(struct policy *p, const struct policy_field *f);

/* How many texts the value has: one, but for claims. */
size_t policy_field_count(const struct policy *p, const struct policy_field *f);

/* The i-th text, malloc'ed, as policy_field_set takes it. TOK_NO_MEMORY. */
enum tok_err policy_field_text(const struct policy *p, const struct policy_field *f, size_t i,
                               char separator, char **ret) MUST_CHECK;

/* The names of the algorithms that are in the set. */
#define POLICY_ALGORITHMS_TEXT 256
void policy_algorithms_text(alg_set set, char separator, char ret[POLICY_ALGORITHMS_TEXT]);
