#include "jwtctl/run/prompt.h"

#include <string.h>

/* A shape is text in which %u stands for one or more letters of a name; that of a host is the
 * second. ssh writes the server's own text behind "(USER@HOST) ", so that only the whole shape
 * says who asks. */
static const struct {
    const char *text;
    enum prompt_program program;
} password_shapes[] = {
    {"Password: ", PROMPT_ANY},         /* PAM's own: su, keyboard-interactive before ssh 8.5 */
    {"(%u@%u) Password: ", PROMPT_SSH}, /* keyboard-interactive */
    {"%u@%u's password: ", PROMPT_SSH}, /* password */
    {"[sudo] password for %u: ", PROMPT_SUDO},
};

/* Where ssh asks for a yes: the host key question and its repetition. */
static const char *const confirm_parts[] = {"(yes/no", "Please type 'yes'"};

/* Printable, no blank, nothing that a shape itself is made of: a name ends where the shape goes
 * on, and a server can't build a shape out of its own text. */
static bool is_name_byte(char c)
{
    return (unsigned char)c > 0x20 && (unsigned char)c != 0x7f && !strchr("@()'\"", c);
}

static bool has_shape(const char *text, const char *shape, struct slice *ret_name)
{
    while (*shape) {
        const char *from = text;

        if (strncmp(shape, "%u", 2) != 0) {
            if (*text++ != *shape++)
                return false;
            continue;
        }
        shape += 2;
        while (*text && *text != *shape && is_name_byte(*text))
            text++;
        if (text == from)
            return false;
        *ret_name = (struct slice){from, (size_t)(text - from)};
    }
    return *text == '\0';
}

struct prompt prompt_read(const char *text)
{
    for (size_t i = 0; i < sizeof(password_shapes) / sizeof(password_shapes[0]); i++) {
        enum prompt_program program = password_shapes[i].program;
        struct slice name = {0};

        if (has_shape(text, password_shapes[i].text, &name))
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
