#include "jwtctl/run/prompt.h"

#include "common/base/text.h"

#include <string.h>

/* %u stands for a name of one or more characters. Behind "(USER@HOST) " ssh prints text of the
 * server, so only the whole form shows that it is ssh's own. sudo's are those of its
 * translations that are tested. */
static const struct {
    const char *text;
    enum prompt_kind kind;
} password_forms[] = {
    {"(%u@%u) Password: ", PROMPT_SSH}, /* keyboard-interactive */
    {"%u@%u's password: ", PROMPT_SSH}, /* password */
    {"[sudo] password for %u: ", PROMPT_SUDO},
    {"[sudo] Passwort für %u: ", PROMPT_SUDO},
    {"[sudo] Mot de passe de %u\u00a0: ", PROMPT_SUDO},
    {"[sudo] %u のパスワード:", PROMPT_SUDO},
    {"[sudo: authenticate] Password: ", PROMPT_SUDO}, /* sudo-rs */
    {"doas (%u@%u) password: ", PROMPT_SUDO},
    {"Password: ", PROMPT_LOGIN}, /* PAM's; keyboard-interactive of ssh before 8.5 */
};

/* Of the questions that ssh wants "yes" for: about a host key, and its repetition. */
static const char *const confirm_parts[] = {"(yes/no", "Please type 'yes'"};

static const char *const code_words[] = {"code", "oath",       "one-time", "otp",
                                         "pin",  "passphrase", "passcode", "yubikey"};

/* The characters of the forms themselves are excluded, so that a server cannot compose a form
 * within a name. */
static bool is_name_byte(char c)
{
    return !text_is_control(c) && !strchr(" @()'\"", c);
}

static bool has_form(const char *text, const char *form)
{
    while (*form) {
        const char *from = text;

        if (strncmp(form, "%u", 2) != 0) {
            if (*text++ != *form++)
                return false;
            continue;
        }
        form += 2;
        while (*text && *text != *form && is_name_byte(*text))
            text++;
        if (text == from)
            return false;
    }
    return *text == '\0';
}

enum prompt_kind prompt_read(const char *text)
{
    for (size_t i = 0; i < sizeof(password_forms) / sizeof(password_forms[0]); i++) {
        if (has_form(text, password_forms[i].text))
            return password_forms[i].kind;
    }
    for (size_t i = 0; i < sizeof(confirm_parts) / sizeof(confirm_parts[0]); i++) {
        if (strstr(text, confirm_parts[i]))
            return PROMPT_CONFIRM;
    }
    return PROMPT_OTHER;
}

static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = text; (at = strcasestr(at, word)); at++) {
        if ((at == text || !text_is_alnum(at[-1])) && !text_is_alnum(at[n]))
            return true;
    }
    return false;
}

bool prompt_may_be_password(const char *text)
{
    for (size_t i = 0; i < sizeof(code_words) / sizeof(code_words[0]); i++) {
        if (has_word(text, code_words[i]))
            return false;
    }
    return true;
}
