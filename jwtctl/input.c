#include "jwtctl/input.h"

#include "jwtctl/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BUFFER_SIZE ((size_t)64 * 1024)

void input_open(struct input *ret)
{
    *ret = (struct input){0};
    if (secret_alloc(BUFFER_SIZE, &ret->buffer) != TOK_OK ||
        secret_alloc(INPUT_MAX, &ret->text) != TOK_OK ||
        setvbuf(stdin, ret->buffer.p, _IOFBF, BUFFER_SIZE) != 0)
        out_of_memory();
}

void input_close(struct input *in)
{
    (void)fclose(stdin); /* it uses the buffer */
    secret_clear(&in->buffer);
    secret_clear(&in->text);
}

/* Reads to the character end, which is dropped, or to the end of the file (*ret_last).
 */
static enum tok_err read_until(struct input *in, int end, struct slice *ret, bool *ret_last,
                               struct errmsg *errmsg)
{
    size_t n = 0;
    int c;

    while ((c = getc_unlocked(stdin)) != EOF && c != end) {
        if (n < INPUT_MAX)
            in->text.p[n++] = (char)c;
    }
    if (ferror(stdin))
        return errmsg_set(errmsg, TOK_FILE, "cannot read standard input: %s", strerror(errno));
    *ret = (struct slice){in->text.p, n};
    *ret_last = c == EOF;
    return TOK_OK;
}

enum tok_err input_whole(struct input *in, struct slice *ret, struct errmsg *errmsg)
{
    bool last;
    enum tok_err err = read_until(in, EOF, ret, &last, errmsg);

    /* Of a text that was cut, the last byte is unknown; it is too long either way. */
    if (!err && ret->n > 0 && ret->n < INPUT_MAX && ret->p[ret->n - 1] == '\n')
        ret->n--;
    return err;
}

enum tok_err input_line(struct input *in, struct slice *ret, struct errmsg *errmsg)
{
    bool last = false;
    enum tok_err err = read_until(in, '\n', ret, &last, errmsg);

    if (!err && last && ret->n == 0)
        *ret = (struct slice){0};
    return err;
}
