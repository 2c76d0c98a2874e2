/* jwtctl show: what a token says, and whether it would be taken here. */
#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "jwtctl/command.h"
#include "jwtctl/input.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/verifier.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

/* What could be read of the token; p NULL where nothing could. */
struct parts {
    struct secret header, payload;
};

static void parts_clear(struct parts *p)
{
    secret_clear(&p->header);
    secret_clear(&p->payload);
}

/* Leaves *ret empty for what is no JSON object. */
static enum tok_err decode(struct slice letters, struct secret *ret)
{
    CLEANUP(secret_clear) struct secret room = {0};
    struct scan_value value;
    size_t n;
    enum tok_err err;

    err = secret_alloc(BASE64URL_BYTES(letters.n), &room);
    if (err)
        return err;
    if (base64url_decode(letters, room.p, room.n, &n) != TOK_OK ||
        scan_document((struct slice){room.p, n}, &value, NULL) != TOK_OK ||
        value.type != SCAN_OBJECT)
        return TOK_OK;
    return secret_copy((struct slice){room.p, n}, ret);
}

static enum tok_err read_parts(struct slice token, struct parts *ret)
{
    struct jws jws;
    enum tok_err err;

    if (jws_split(token, &jws) != TOK_OK)
        return TOK_OK;
    err = decode(jws.header, &ret->header);
    return err ? err : decode(jws.payload, &ret->payload);
}

/* The default policy's verdict: what `jwtctl verify` without words says. */
static void judge_now(struct slice token, int64_t now, struct text *json, struct judgement *ret)
{
    CLEANUP(policy_clear) struct policy words = {0};
    CLEANUP(judge_close) struct judge j = {0};
    const struct resolve_params ask = {.words = &words, .trust = FILE_OWN};

    ret->err = policy_init(&words);
    if (ret->err)
        (void)errmsg_set(&ret->errmsg, ret->err, "out of memory");
    else
        ret->err = judge_open(&ask, &j, &ret->errmsg);
    if (!ret->err)
        judge_token(&j, token, &(struct policy_params){.now = now, .accept_one_time = true},
                    ret);
    /* Here, while the judge still has the payload. */
    judge_write(ret, json);
}

/* C1 controls (U+0080 to U+009F) and DEL, which JSON lets through, must not drive a terminal;
 * other control characters are escaped in JSON's own text. */
static void add_visible(struct text *text, struct slice json)
{
    for (size_t i = 0; i < json.n; i++) {
        unsigned char c = (unsigned char)json.p[i];
        bool c1 = c == 0xc2 && i + 1 < json.n && (unsigned char)json.p[i + 1] < 0xa0;

        if (c1 || c == 0x7f) {
            text_puts(text, "?");
            i += c1 ? 1 : 0;
        } else {
            text_add(text, (struct slice){json.p + i, 1});
        }
    }
}

static void add_time(struct text *text, struct scan_value value, int64_t now)
{
    char when[SAY_MAX], span[SAY_MAX];
    int64_t t;

    if (scan_time(value, SCAN_FLOOR, &t) != TOK_OK)
        return;
    text_puts(text, "  (");
    text_puts(text, say_time(t, when));
    text_puts(text, t > now ? ", in " : ", ");
    text_puts(text, say_span(t > now ? t - now : now - t, span));
    text_puts(text, t > now ? ")" : " ago)");
}

static bool is_time(struct scan_value name)
{
    return scan_string_is(name, SLICE("exp")) || scan_string_is(name, SLICE("iat")) ||
           scan_string_is(name, SLICE("nbf"));
}

static void add_claims(struct text *text, const struct secret *payload, int64_t now)
{
    struct scan_value object;
    struct scan_member member;
    size_t pos = 0;

    if (!payload->p || scan_document(secret_slice(payload), &object, NULL) != TOK_OK) {
        text_puts(text, "claims:  unreadable\n");
        return;
    }
    text_puts(text, "claims:\n");
    while (scan_next_member(object, &pos, &member)) {
        text_puts(text, "  ");
        add_visible(text, member.name.text);
        text_puts(text, ": ");
        add_visible(text, member.value.text);
        if (is_time(member.name))
            add_time(text, member.value, now);
        text_puts(text, "\n");
    }
}

static void compose_words(const struct parts *parts, const struct judgement *j, int64_t now,
                          struct text *text)
{
    text_puts(text, "header:  ");
    if (parts->header.p)
        add_visible(text, secret_slice(&parts->header));
    else
        text_puts(text, "unreadable");
    text_puts(text, "\n");
    add_claims(text, &parts->payload, now);
    text_puts(text, "verdict: ");
    if (j->err == TOK_OK)
        text_puts(text, "it would be taken, for user ");
    else
        text_puts(text, tok_err_is_ours(j->err) ? "can't be judged: " : "refused: ");
    text_puts(text, j->err == TOK_OK ? j->result.user : j->errmsg.text);
}

static void compose_json(const struct parts *parts, const struct text *verdict,
                         struct text *text)
{
    text_puts(text, "{\"header\":");
    text_compact(text, parts->header.p ? secret_slice(&parts->header) : SLICE("null"));
    text_puts(text, ",\"claims\":");
    text_compact(text, parts->payload.p ? secret_slice(&parts->payload) : SLICE("null"));
    text_puts(text, ",\"verdict\":");
    text_add(text, text_slice(verdict));
    text_puts(text, "}");
}

/* The token that is kept is shown as it is, past its time or not. */
static enum tok_err read_kept(struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct session s = {0};
    enum tok_err err = session_kept(&s, errmsg);

    if (err)
        return err;
    *ret = s.access;
    s.access = (struct secret){0};
    return TOK_OK;
}

static enum tok_err read_token(struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(input_close) struct input in = {0};
    struct slice token;
    enum tok_err err;

    if (isatty(STDIN_FILENO))
        return read_kept(ret, errmsg);
    err = input_open(STDIN_FILENO, &in);
    if (err)
        return errmsg_set(errmsg, err, "out of memory");
    err = input_whole(&in, &token, errmsg);
    if (err)
        return err;
    /* From a script or an ssh command line standard input is often empty: nothing was given. */
    if (token.n == 0)
        return read_kept(ret, errmsg);
    err = secret_copy(token, ret);
    return err ? errmsg_set(errmsg, err, "out of memory") : TOK_OK;
}

static int show(struct slice token, bool json)
{
    CLEANUP(parts_clear) struct parts parts = {0};
    CLEANUP(text_clear) struct text verdict = {0};
    CLEANUP(text_clear) struct text out = {0};
    struct judgement judgement = {0};
    int64_t now = (int64_t)time(NULL);

    if (read_parts(token, &parts) != TOK_OK) {
        complain("out of memory");
        return EXIT_FAILURE;
    }
    judge_now(token, now, &verdict, &judgement);
    if (json)
        compose_json(&parts, &verdict, &out);
    else
        compose_words(&parts, &judgement, now, &out);
    if (!text_print_line(&out))
        return EXIT_FAILURE;
    return parts.header.p && parts.payload.p ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_show(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    CLEANUP(secret_clear) struct secret token = {0};
    bool json = false;
    struct errmsg errmsg;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        json = true;
    }
    if (optind < argc)
        return complain_usage(argv[0],
                              "a token is never an argument: give it on standard input");
    if (read_token(&token, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    return show(secret_slice(&token), json);
}
