/* jwtctl status: who is logged in, and until when; to root also how jwtd-issuer is. */
#include "common/base/cleanup.h"
#include "common/json/json.h"
#include "jwtctl/admin.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEMBERS 16

/* The caller's login as it is kept, and what its server says of it. */
struct login {
    struct session session;
    struct secret user, sid;
    int64_t access_exp, session_exp;
    bool there;           /* a token that holds now */
    bool confirmed;       /* by its server, just now */
    struct errmsg errmsg; /* unless it is confirmed */
};

static void login_clear(struct login *l)
{
    session_clear(&l->session);
    secret_clear(&l->user);
    secret_clear(&l->sid);
}

static enum tok_err copy_claim(const struct scan_value *v, struct secret *ret)
{
    if (!v || v->type != SCAN_STRING || v->escaped)
        return TOK_OK;
    return secret_copy(scan_string_raw(*v), ret);
}

static enum tok_err read_claims(struct login *l)
{
    CLEANUP(secret_clear) struct secret payload = {0};
    struct claims claims;
    int64_t iat;
    enum tok_err err =
        session_token_claims(secret_slice(&l->session.access), &payload, &claims);

    if (!err)
        err = copy_claim(claims.user, &l->user);
    if (!err)
        err = copy_claim(claims.sid, &l->sid);
    if (!err)
        err = session_token_times(secret_slice(&l->session.access), &iat, &l->access_exp);
    if (!err)
        err = session_token_times(secret_slice(&l->session.refresh), &iat, &l->session_exp);
    return err ? errmsg_set(&l->errmsg, err, "the tokens that are kept can't be read") : TOK_OK;
}

/* The name that the server has for the user counts: a token may have another claim for it. */
static void confirm(struct login *l)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    struct secret name = {0};

    if (session_ask(&l->session, "GET", "/api/user/", NULL, &reply, &l->errmsg))
        return;
    l->confirmed = true;
    if (text_member(text_slice(&reply.body), "username", &name))
        return;
    secret_clear(&l->user);
    l->user = name;
}

static void look(struct login *l)
{
    if (session_get(&l->session, &l->errmsg) || read_claims(l))
        return;
    l->there = true;
    confirm(l);
}

static void login_json(const struct login *l, struct text *out)
{
    text_puts(out, "{\"login\":");
    if (!l->there) {
        text_puts(out, "null");
    } else {
        text_puts(out, "{\"user\":");
        text_json(out, secret_slice(&l->user));
        text_puts(out, ",\"server\":");
        text_json(out, secret_slice(&l->session.server));
        text_puts(out, ",\"sid\":");
        text_json(out, secret_slice(&l->sid));
        text_puts(out, ",\"access_expires\":");
        text_json_int(out, l->access_exp);
        text_puts(out, ",\"session_expires\":");
        text_json_int(out, l->session_exp);
        text_puts(out, l->confirmed ? ",\"confirmed\":true}" : ",\"confirmed\":false}");
    }
    if (l->confirmed)
        return;
    text_puts(out, ",\"error\":");
    text_json(out, slice_of(l->errmsg.text));
}

static void login_words(const struct login *l, struct text *out)
{
    char until[SAY_MAX], access[SAY_MAX];

    if (!l->there)
        return;
    text_puts(out, "Logged in as ");
    text_plain(out, secret_slice(&l->user));
    text_puts(out, " at ");
    text_plain(out, secret_slice(&l->session.server));
    text_puts(out, " until ");
    text_puts(out, say_time(l->session_exp, until));
    text_puts(out, "\nsession ");
    text_plain(out, secret_slice(&l->sid));
    text_puts(out, ", access token until ");
    text_puts(out, say_time(l->access_exp, access));
    text_puts(out,
              l->confirmed ? ", confirmed by the server" : ", not confirmed by the server");
}

/* Words of the daemon's status: what is missing in it is left out. */

static bool member(const struct scan_value *object, const char *name, struct scan_value *ret)
{
    struct scan_member m[MEMBERS];
    const struct scan_value *v;
    size_t n;

    if (scan_object(object->text, m, MEMBERS, &n, NULL) != TOK_OK)
        return false;
    v = scan_find(m, n, name);
    if (v)
        *ret = *v;
    return v != NULL;
}

static void add_string(struct text *out, const char *before, const struct scan_value *object,
                       const char *name)
{
    struct scan_value v;

    if (!member(object, name, &v) || v.type != SCAN_STRING)
        return;
    text_puts(out, before);
    text_plain(out, scan_string_raw(v));
}

static int64_t number(const struct scan_value *object, const char *name)
{
    struct scan_value v;
    int64_t n;

    return member(object, name, &v) && scan_integer(v, &n) == TOK_OK ? n : 0;
}

static void add_number(struct text *out, const char *before, int64_t n, const char *after)
{
    text_puts(out, before);
    text_json_int(out, n);
    text_puts(out, after);
}

static void add_key(struct text *out, const struct scan_value *key)
{
    char when[SAY_MAX];
    int64_t until = number(key, "until");
    struct scan_value signs;

    add_string(out, "\n  key ", key, "kid");
    add_string(out, " ", key, "alg");
    if (member(key, "signs", &signs) && signs.type == SCAN_TRUE) {
        text_puts(out, " signs");
    } else if (until > 0) {
        text_puts(out, " stays published until ");
        text_puts(out, say_time(until, when));
    } else {
        text_puts(out, " is published");
    }
}

static void daemon_words(const struct scan_value *status, struct text *out)
{
    struct scan_value list, v;
    size_t pos = 0;

    add_string(out, out->n > 0 ? "\njwtd-issuer " : "jwtd-issuer ", status, "version");
    add_string(out, " answers as ", status, "issuer");
    for (bool first = true; member(status, "audience", &list) &&
                            scan_next_element(list, &pos, &v) && v.type == SCAN_STRING;
         first = false) {
        text_puts(out, first ? " for " : ", ");
        text_plain(out, scan_string_raw(v));
    }
    pos = 0;
    while (member(status, "keys", &list) && scan_next_element(list, &pos, &v))
        add_key(out, &v);
    if (member(status, "sessions", &list)) {
        bool more = member(&list, "more", &v) && v.type == SCAN_TRUE;

        add_number(out, more ? "\n  at least " : "\n  ", number(&list, "live"),
                   " live sessions");
    }
    add_number(out, ", ", number(status, "revoked"), " on the list of ended ones");
    if (member(status, "store", &v)) {
        add_string(out, "\n  store ", &v, "path");
        add_number(out, ", ", number(&v, "bytes"), " bytes");
    }
    if (number(status, "clock_behind") > 0)
        add_number(out, "\n  the clock is behind the sessions' by ",
                   number(status, "clock_behind"), " s");
}

/* What root is told of the daemon. */
struct daemon_part {
    struct admin_answer answer;
    bool asked, missing, ok;
    struct errmsg errmsg;
};

static void ask_daemon(const char *socket, struct daemon_part *d)
{
    d->asked = geteuid() == 0;
    if (!d->asked)
        return;
    d->ok = admin_ask(socket, WIRE_ADMIN_STATUS, NULL, &d->answer, &d->missing, &d->errmsg) ==
                TOK_OK &&
            d->answer.message.status == WIRE_OK;
}

static bool print(const struct login *l, const struct daemon_part *d, bool json)
{
    CLEANUP(text_clear) struct text out = {0};
    struct scan_value status;
    bool told = d->ok && scan_document(d->answer.message.v[0].text, &status, NULL) == TOK_OK;

    if (json) {
        login_json(l, &out);
        text_puts(&out, ",\"daemon\":");
        text_add(&out, told ? status.text : SLICE("null"));
        text_puts(&out, "}");
        return text_print_line(&out);
    }
    login_words(l, &out);
    if (told)
        daemon_words(&status, &out);
    if (out.n > 0 && !text_print_line(&out))
        return false;
    if (!l->confirmed)
        complain("%s", l->errmsg.text);
    if (d->asked && !d->ok && !d->missing)
        complain("%s", d->errmsg.text);
    return true;
}

int command_status(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"socket", required_argument, NULL, 's'}, {0}};
    CLEANUP(login_clear) struct login login = {0};
    struct daemon_part daemon = {0};
    struct admin_options o;
    int status = admin_parse(argc, argv, options, 0, &o);

    if (status)
        return status;
    look(&login);
    ask_daemon(o.socket, &daemon);
    if (!print(&login, &daemon, o.json))
        return EXIT_FAILURE;
    /* Root asks for the daemon, where there is one. */
    if (daemon.asked && !daemon.missing)
        return daemon.ok ? EXIT_SUCCESS : EXIT_FAILURE;
    return login.confirmed ? EXIT_SUCCESS : EXIT_FAILURE;
}
