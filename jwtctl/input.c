#include "jwtctl/input.h"

#include <string.h>

#define CHUNK ((size_t)64 * 1024)

void input_close(struct input *in)
{
    secret_clear(&in->chunk);
    secret_clear(&in->token);
}

enum tok_err input_open(int fd, struct input *ret)
{
    struct input in = {.fd = fd};
    enum tok_err err;

    err = secret_alloc(CHUNK, &in.chunk);
    if (!err)
        err = secret_alloc(INPUT_MAX, &in.token);
    if (err)
        input_close(&in);
    else
        *ret = in;
    return err;
}

/* False at the end of the file. */
static enum tok_err fill(struct input *in, bool *ret_more, struct errmsg *errmsg)
{
    ssize_t got;

    do
        got = read(in->fd, in->chunk.p, CHUNK);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errmsg_set(errmsg, TOK_FILE, "standard input: %s", strerror(errno));
    in->at = 0;
    in->end = (size_t)got;
    *ret_more = got > 0;
    return TOK_OK;
}

static void keep(struct input *in, size_t n)
{
    size_t room = INPUT_MAX - in->n;

    memcpy(in->token.p + in->n, in->chunk.p + in->at, n < room ? n : room);
    in->n += n < room ? n : room;
    in->at += n;
}

enum tok_err input_whole(struct input *in, struct slice *ret, struct errmsg *errmsg)
{
    bool more = true;

    in->n = 0;
    while (more) {
        enum tok_err err;

        keep(in, in->end - in->at);
        err = fill(in, &more, errmsg);
        if (err)
            return err;
    }
    /* Of a text that was cut the last byte is not known; it is too long with or without. */
    if (in->n > 0 && in->n < INPUT_MAX && in->token.p[in->n - 1] == '\n')
        in->n--;
    *ret = (struct slice){in->token.p, in->n};
    return TOK_OK;
}

enum tok_err input_line(struct input *in, struct slice *ret, bool *ret_end,
                        struct errmsg *errmsg)
{
    bool more = true, begun = false;

    in->n = 0;
    while (more) {
        const char *from = in->chunk.p + in->at;
        const char *newline = memchr(from, '\n', in->end - in->at);
        enum tok_err err;

        begun = begun || in->at < in->end;
        keep(in, newline ? (size_t)(newline - from) : in->end - in->at);
        if (newline) {
            in->at++;
            break;
        }
        err = fill(in, &more, errmsg);
        if (err)
            return err;
    }
    *ret_end = !begun;
    *ret = (struct slice){in->token.p, in->n};
    return TOK_OK;
}
