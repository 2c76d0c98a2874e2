/*
 * The judgement on a token as `jwtctl verify` prints it, for one or for many: settings
 * and lists are read once, each when the first token asks for it; a key file again when it
 * changed.
 */
#pragma once

#include "common/config/resolve.h"
#include "jwtctl/text.h"

struct judge_rules {
    bool tried;
    enum tok_err err;
    struct errmsg errmsg;
    struct resolved rules;
};

struct judge {
    struct resolve_params ask;
    struct settings settings;
    struct judge_rules *rules; /* one a section, then the local issuer's */
    struct parsed_token token; /* the one checked last */
};

struct judgement {
    enum tok_err err;
    struct errmsg errmsg; /* a sentence: the error's meaning, or what is out of reach */
    struct verify_result result;
};

/* ask's words, config and context must outlive the judge. Reads the settings. */
enum tok_err judge_open(const struct resolve_params *ask, struct judge *ret,
                        struct errmsg *errmsg) MUST_CHECK;
void judge_close(struct judge *j);

/* ret's slices live until the next call. */
void judge_token(struct judge *j, struct slice token, const struct policy_params *check,
                 struct judgement *ret);

/* {"valid":true,"user":...,"claims":{...}} or {"valid":false,"error":...,"reason":...}. */
void judge_write(const struct judgement *j, struct text *line);
