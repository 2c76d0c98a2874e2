/*
 * libcrypto's error queue belongs to the calling program, which may be sshd or sudo: what our
 * calls add to it is removed again.
 */
#pragma once

#include "common/base/cleanup.h"

#include <openssl/err.h>

/* An empty queue takes no mark; ERR_pop_to_mark() then empties it. */
static inline void key_errors_drop(const int *mark)
{
    (void)mark;
    (void)ERR_pop_to_mark();
}

/* Declares that the rest of this block leaves the queue as it was. */
#define KEY_ERRORS_DROP                                                                        \
    CLEANUP(key_errors_drop) __attribute__((unused)) const int errors_mark_ = ERR_set_mark()

/* After KEY_ERRORS_DROP: every error in the queue is ours. */
#define KEY_ERRORS_WERE_NONE (errors_mark_ == 0)
