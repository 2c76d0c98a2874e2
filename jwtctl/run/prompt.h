/*
 * The prompts of ssh and sudo that a token answers. They are matched as a whole and not by
 * their end: "Old password: ", "One-time password: " and "Enter passphrase for key ...: " do
 * not match.
 */
#pragma once

#include "common/base/slice.h"

enum prompt_kind {
    PROMPT_PASSWORD, /* answered by a token */
    PROMPT_CONFIRM,  /* yes or no: answered by the user, with echo */
    PROMPT_OTHER,    /* answered by the user, without echo */
};

enum prompt_program { PROMPT_ANY, PROMPT_SSH, PROMPT_SUDO };

struct prompt {
    enum prompt_kind kind;
    enum prompt_program program; /* of PROMPT_PASSWORD: whose form it has */
    struct slice host;           /* that ssh names, within the text; p NULL: none */
};

struct prompt prompt_read(const char *text);
