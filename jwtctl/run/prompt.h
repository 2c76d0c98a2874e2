/*
 * The prompts of ssh and sudo that ask for a login password. They are matched as a whole and
 * not by their end: "Old password: ", "One-time password: " and "Enter passphrase for key ...:
 * " do not match.
 */
#pragma once

#include <stdbool.h>

enum prompt_kind {
    PROMPT_SSH,     /* by ssh, for the password of the host */
    PROMPT_SUDO,    /* by sudo, sudo-rs */
    PROMPT_LOGIN,   /* "Password: ", which any program can print */
    PROMPT_CONFIRM, /* yes or no, answered with echo */
    PROMPT_OTHER,
};

enum prompt_kind prompt_read(const char *text);

/* False when the prompt asks for something else than a password: a code, a PIN, a passphrase.
 * For sudo, whose administrator chooses the prompt's text and language. */
bool prompt_may_be_password(const char *text);
