/*
 * What libpam would return for a stack if its modules returned these results: which logins
 * succeed, and whether a module is reached. Only results that matter for pam_jwt are
 * distinguished.
 */
#pragma once

#include "common/base/slice.h"
#include "common/config/pam_stack.h"

/* What a module returns. One that is not listed here may check a password. */
enum model_kind {
    MODEL_PASSWORD,  /* depends on the password */
    MODEL_JWT,       /* pam_jwt */
    MODEL_HELPER,    /* succeeds without a password: pam_permit, pam_env */
    MODEL_CONDITION, /* assumed to be ignored: pam_succeed_if, pam_localuser */
    MODEL_DENY,      /* fails: pam_deny; pam_rootok for a user */
    MODEL_SUBSTACK,  /* begins a substack */
};

enum model_result {
    MODEL_SUCCESS,
    MODEL_FAILURE, /* PAM_AUTH_ERR */
    MODEL_IGNORED, /* PAM_IGNORE */
    MODEL_MISSING, /* PAM_MODULE_UNKNOWN */
    MODEL_OPTION,  /* PAM_SERVICE_ERR */
    MODEL_TYPED,   /* what pam_jwt returns for a password, by its option ignore_non_token */
};

/* The lines of one type, with copies of their texts; owned: model_clear. */
struct model {
    struct model_line {
        enum model_kind kind;
        struct pam_line at;
    } * lines;
    size_t n;
};

/* False: a file of it cannot be read. */
bool model_read(const char *service, const char *type, struct model *ret);
void model_clear(struct model *m);

/* The first line of this kind; NULL: none. */
const struct pam_line *model_find(const struct model *m, enum model_kind kind);

struct model_outcome {
    bool success;
    bool reached;   /* pam_jwt was called */
    bool passed_on; /* a module that may check a password was called after it */
    const struct pam_line *password; /* the last module called that may check a password */
};
struct model_outcome model_try(const struct model *m, enum model_result jwt,
                               enum model_result password);

/* True when one of the words, separated by blanks, is this. */
bool model_has_word(const char *words, struct slice word);
