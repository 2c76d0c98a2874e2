/*
 * Is one scope within another? Words between blanks (RFC 6749 3.3); pam:* holds every pam:
 * word. A token without a scope may everything, so any scope is within none. But once a token
 * has a pam: word those bind (policy), so a scope within one that has some must have some too.
 */
#pragma once

#include "common/base/text.h"

/* A word of a scope: RFC 6749's NQCHAR without the blank. */
bool scope_is_word(struct slice text);

/* shown: "" when the token has none. */
bool scope_within(word_list asked, struct slice shown);
