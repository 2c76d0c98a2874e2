/*
 * Which questions of ssh and sudo a token answers. A strict table of whole shapes, not of
 * endings: "Old password: ", "One-time password: " and "Enter passphrase for key ...: " are
 * none of them.
 */
#pragma once

#include "common/base/slice.h"

enum prompt_kind {
    PROMPT_PASSWORD, /* the token answers */
    PROMPT_CONFIRM,  /* yes or no: a person answers, seen */
    PROMPT_OTHER,    /* a person answers, unseen */
};

enum prompt_program { PROMPT_ANY, PROMPT_SSH, PROMPT_SUDO };

struct prompt {
    enum prompt_kind kind;
    enum prompt_program program; /* of PROMPT_PASSWORD, where its shape says it */
    struct slice host;           /* whom ssh asks for, within the text; empty: not said */
};

struct prompt prompt_read(const char *text);
