/*
 * Which questions of ssh and sudo the token answers. A strict table of whole shapes, not of
 * endings: "Old password: ", "One-time password: " and "Enter passphrase for key ...: " are
 * none of them.
 */
#pragma once

#include "error.h"

enum prompt_kind {
    PROMPT_PASSWORD, /* the token answers */
    PROMPT_CONFIRM,  /* yes or no: a person answers, seen */
    PROMPT_OTHER,    /* a person answers, unseen */
};

enum prompt_kind prompt_kind(const char *prompt);
