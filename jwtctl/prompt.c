#include "prompt.h"

#include <string.h>

/* A shape is text in which %u stands for one or more letters of a name. ssh writes the server's
 * own text behind "(USER@HOST) ", so that only the whole shape says who asks. */
static const char *const password_shapes[] = {
    "Password: ",               /* PAM's own: su, ssh's keyboard-interactive before 8.5 */
    "(%u@%u) Password: ",       /* ssh, keyboard-interactive */
    "%u@%u's password: ",       /* ssh, password */
    "[sudo] password for %u: ", /* sudo */
};

/* Where ssh asks for a yes: the host key question and its repetition. */
static const char *const confirm_parts[] = {"(yes/no", "Please type 'yes'"};

/* Printable, no blank, nothing that a shape itself is made of: a name ends where the shape goes
 * on, and a server can't build a shape out of its own text. */
static bool is_name_byte(char c)
{
    return (unsigned char)c > 0x20 && (unsigned char)c != 0x7f && !strchr("@()'\"", c);
}

static bool has_shape(const char *text, const char *shape)
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
    }
    return *text == '\0';
}

enum prompt_kind prompt_kind(const char *prompt)
{
    for (size_t i = 0; i < sizeof(password_shapes) / sizeof(password_shapes[0]); i++) {
        if (has_shape(prompt, password_shapes[i]))
            return PROMPT_PASSWORD;
    }
    for (size_t i = 0; i < sizeof(confirm_parts) / sizeof(confirm_parts[0]); i++) {
        if (strstr(prompt, confirm_parts[i]))
            return PROMPT_CONFIRM;
    }
    return PROMPT_OTHER;
}
