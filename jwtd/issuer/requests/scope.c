#include "jwtd/issuer/requests/scope.h"

#include "common/token/policy.h"

#include <string.h>

#define PAM "pam:"

bool scope_is_word(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] < '!' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
            return false;
    return text.n > 0;
}

static bool is_pam(const char *word)
{
    return strncmp(word, PAM, strlen(PAM)) == 0;
}

static bool has_pam(word_list words)
{
    for (size_t i = 0; words && words[i]; i++)
        if (is_pam(words[i]))
            return true;
    return false;
}

static bool covers(word_list shown, const char *word)
{
    if (word_list_has(shown, slice_of(word)))
        return true;
    for (size_t i = 0; is_pam(word) && shown[i]; i++)
        if (is_pam(shown[i]) && policy_service_covered(slice_of(shown[i] + strlen(PAM)),
                                                       slice_of(word + strlen(PAM))))
            return true;
    return false;
}

bool scope_within(word_list asked, struct slice shown)
{
    word_list have = NULL;
    bool ok = word_list_parse(shown, ' ', scope_is_word, &have) == TOK_OK;

    for (size_t i = 0; ok && have && asked && asked[i]; i++)
        ok = covers(have, asked[i]);
    ok = ok && (!has_pam(have) || has_pam(asked));
    word_list_free(have);
    return ok;
}
