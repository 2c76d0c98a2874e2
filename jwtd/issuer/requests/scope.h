/*
 * Comparison of scopes: words separated by spaces (RFC 6749 3.3). pam:* covers every pam: word,
 * and pam:sudo covers pam:sudo-i (policy_service_covered).
 * No scope means no restriction, so every scope is within it. But a scope with a pam: word
 * restricts PAM services (policy.h), so a scope within it must have a pam: word too.
 */
#pragma once

#include "common/base/text.h"

/* A word of a scope: RFC 6749's NQCHAR, which has no space. */
bool scope_is_word(struct slice text);

/* shown: "" when the token has no scope. */
bool scope_within(word_list asked, struct slice shown);
