#include "jwtctl/run/prompt.h"

#include "common/base/text.h"

#include <string.h>

/* %u stands for a name of one or more characters; the host is the second one. Behind
 * "(USER@HOST) " ssh prints text of the server, so only the whole form shows who asks. */
static const struct {
    const char *text;
    enum prompt_program program;
} password_forms[] = {
    {"Password: ", PROMPT_ANY}, /* PAM's: su, and keyboard-interactive of ssh before 8.5 */
    {"(%u@%u) Password: ", PROMPT_SSH}, /* keyboard-interactive */
    {"%u@%u's password: ", PROMPT_SSH}, /* password */
    {"[sudo] password for %u: ", PROMPT_SUDO},
};

/* Of the questions that ssh wants "yes" for: about a host key, and its repetition. */
static const char *const confirm_parts[] = {"(yes/no", "Please type 'yes'"};

/* The characters of the forms themselves are excluded, so that a server cannot compose a form
 * within a name. */
static bool is_name_byte(char c)
{
    return !text_is_control(c) && !strchr(" @()'\"", c);
}

static bool has_form(const char *text, const char *form, struct slice *ret_name)
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
        *ret_name = (struct slice){from, (size_t)(text - from)};
    }
    return *text == '\0';
}

struct prompt prompt_read(const char *text)
{
    for (size_t i = 0; i < sizeof(password_forms) / sizeof(password_forms[0]); i++) {
        enum prompt_program program = password_forms[i].program;
        struct slice name = {0};

        if (has_form(text, password_forms[i].text, &name))
            return (struct prompt){.kind = PROMPT_PASSWORD,
                                   .program = program,
                                   .host = program == PROMPT_SSH ? name : (struct slice){0}};
    }
    for (size_t i = 0; i < sizeof(confirm_parts) / sizeof(confirm_parts[0]); i++) {
        if (strstr(text, confirm_parts[i]))
            return (struct prompt){.kind = PROMPT_CONFIRM};
    }
    return (struct prompt){.kind = PROMPT_OTHER};
}
