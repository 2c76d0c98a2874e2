#include "jwtctl/exchange.h"

#include "common/base/cleanup.h"
#include "common/jose/jws.h"
#include "common/json/emit.h"
#include "jwtctl/output.h"

#include <fcntl.h>

#define TOKEN_MAX 8192 /* that jwtd accepts */
#define URN "urn:ietf:params:oauth:"

/* Not file_read: in a container such a file may be a link, and of any owner. */
static enum tok_err read_all(const char *path, int fd, struct secret *ret,
                             struct errmsg *errmsg)
{
    struct secret text = {0};
    size_t n = 0;
    ssize_t got;

    if (secret_alloc(TOKEN_MAX + 2, &text) != TOK_OK)
        out_of_memory();
    do {
        got = read(fd, text.p + n, text.n - n);
        n += got > 0 ? (size_t)got : 0;
    } while ((got > 0 && n < text.n) || (got < 0 && errno == EINTR));
    *ret = text;
    ret->n = n;
    return got < 0 ? errmsg_set(errmsg, TOK_FILE, "%s: %s", path, strerrordesc_np(errno))
                   : TOK_OK;
}

enum tok_err exchange_read(const char *path, struct secret *ret, struct errmsg *errmsg)
{
    bool is_stdin = strcmp(path, "-") == 0;
    CLEANUP(cleanup_close)
    int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    CLEANUP(secret_clear) struct secret text = {0};
    const char *name = is_stdin ? "standard input" : path;
    struct slice token;
    struct jws parts;
    enum tok_err err;

    if (fd < 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", name, strerrordesc_np(errno));
    err = read_all(name, fd, &text, errmsg);
    if (err)
        return err;
    token = jws_trim(secret_slice(&text));
    if (token.n > TOKEN_MAX || jws_split(token, &parts) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: expected a token (three parts of letters, digits, - and _, with "
                          "dots between them) of at most %d characters",
                          name, TOKEN_MAX);
    if (secret_copy(token, ret) != TOK_OK)
        out_of_memory();
    return TOK_OK;
}

static void emit_exchange(struct emit *out, const void *arg)
{
    const struct secret *token = arg;

    emit_begin(out);
    emit_member_string(out, "grant_type", SLICE(URN "grant-type:token-exchange"));
    emit_member_string(out, "subject_token_type", SLICE(URN "token-type:jwt"));
    emit_member_string(out, "subject_token", secret_slice(token));
    emit_end(out);
}

static enum tok_err refused(const struct client_session *s, const struct client_reply *reply,
                            struct errmsg *errmsg)
{
    const char *why = json_member_text(reply->body, "error_description");

    if (reply->status == 404)
        return errmsg_set(
            errmsg, TOK_FILE,
            "%s: the server exchanges no tokens: on its host, set Exchange=yes in "
            "the [Issuer] section of the token's issuer; see jwt.conf(5)",
            s->server.p);
    if (reply->status == 400 && why)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s The log of jwtd-issuer has the details.",
                          s->server.p, why);
    return client_refused(s->server.p, reply, errmsg);
}

enum tok_err exchange_token(const struct secret *token, struct client_session *s,
                            struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(secret_clear) struct secret body = {0};
    struct token_times times;
    enum tok_err err;

    if (emit_secret(emit_exchange, token, &body) != TOK_OK)
        out_of_memory();
    err = session_post(s, "/api/token/exchange/", secret_slice(&body), &reply, errmsg);
    if (err)
        return err;
    if (reply.status != 200)
        return refused(s, &reply, errmsg);
    if (!session_take_token(&reply, "access_token", &s->access) ||
        session_token_times(&s->access, &times) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE, "%s: expected an access token in the reply",
                          s->server.p);
    (void)session_take_token(&reply, "refresh", &s->refresh);
    return TOK_OK;
}
