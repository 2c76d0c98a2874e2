/* Words of a policy, for the tests of its words and of its checks. */
#pragma once

#include "common/token/policy.h"
#include "tests/unit/unit.h"

static inline void set(struct policy *p, const char *word, const char *value)
{
    struct errmsg errmsg = {""};

    ck_assert_msg(policy_set(p, slice_of(word), slice_of(value), &errmsg) == TOK_OK, "%s",
                  errmsg.text);
}

/* The value is refused, the sentence begins with the word and the value and says the form. */
