/* jwtctl show: what a token says, and whether it would be accepted here. */
#include "common/base/base64url.h"
#include "common/token/parsed_token.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/input.h"
#include "jwtctl/output.h"
#include "jwtctl/safe_text.h"
#include "jwtctl/session.h"
#include "jwtctl/verifier.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

/* What could be decoded of a token; p NULL where nothing could. The strict scanner reads it,
 * not json-c, which would change the spelling of strings and numbers. */
struct token_text {
    struct secret header, payload;
};

static void token_text_clear(struct token_text *t)
{
    secret_clear(&t->header);
    secret_clear(&t->payload);
}

static void take_object(struct slice json, struct secret *ret)
{
    struct scan_value value;

    if (scan_document(json, &value, NULL) == TOK_OK && value.type == SCAN_OBJECT &&
        secret_copy(json, ret) != TOK_OK)
        out_of_memory();
}

static void decode_token(struct slice token, struct token_text *ret)
{
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    CLEANUP(secret_clear) struct secret header = {0};
    size_t n;

    if (token_parse(token, &parsed) != TOK_OK ||
        secret_alloc(BASE64URL_BYTES(parsed.jws.header.n), &header) != TOK_OK)
        out_of_memory();
    if (parsed.split_err)
        return;
    if (base64url_decode(parsed.jws.header, header.p, header.n, &n) == TOK_OK)
        take_object((struct slice){header.p, n}, &ret->header);
    if (!parsed.payload_err)
        take_object(secret_slice(&parsed.payload), &ret->payload);
}

static void print_claim_time(struct scan_value value, int64_t now)
{
    char time[FORMAT_MAX], span[FORMAT_MAX];
    int64_t t;

    if (scan_time(value, SCAN_FLOOR, &t) == TOK_OK)
        printf("  (%s, %s%s%s)", format_time(t, time), t > now ? "in " : "",
               format_span(t > now ? t - now : now - t, span), t > now ? "" : " ago");
}

static bool is_time(struct scan_value name)
{
    return scan_string_is(name, SLICE("exp")) || scan_string_is(name, SLICE("iat")) ||
           scan_string_is(name, SLICE("nbf"));
}

static void print_claims(const struct secret *payload, int64_t now)
{
    struct scan_value object;
    struct scan_member member;
    size_t pos = 0;

    if (!payload->p || scan_document(secret_slice(payload), &object, NULL) != TOK_OK) {
        puts("claims:  unreadable");
        return;
    }
    puts("claims:");
    while (scan_next_member(object, &pos, &member)) {
        printf("  ");
        safe_text_print_json(stdout, member.name.text);
        printf(": ");
        safe_text_print_json(stdout, member.value.text);
        if (is_time(member.name))
            print_claim_time(member.value, now);
        putchar('\n');
    }
}

static void print_token_text(const struct token_text *text, const struct verifier_result *r,
                             int64_t now)
{
    printf("header:  ");
    safe_text_print_json(stdout,
                         text->header.p ? secret_slice(&text->header) : SLICE("unreadable"));
    putchar('\n');
    print_claims(&text->payload, now);
    printf("result: ");
    verifier_print(r);
}

static void print_token_json(const struct token_text *text, const struct verifier_result *r)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    json_add_verbatim(answer, "header", (struct slice){text->header.p, text->header.n});
    json_add_verbatim(answer, "claims", (struct slice){text->payload.p, text->payload.n});
    json_add(answer, "verdict", verifier_json(r));
    json_print(answer);
}

struct show_options {
    const char *server, *service; /* NULL: any service */
    bool json;
};

/* Verified as by `jwtctl verify` without other options. */
static int show(struct slice token, const struct show_options *o)
{
    CLEANUP(token_text_clear) struct token_text text = {0};
    CLEANUP(policy_clear) struct policy words = {0};
    CLEANUP(verifier_close) struct verifier v = {0};
    const struct resolve_params params = {.words = &words, .trust = FILE_OWN};
    struct policy_params check = {
        .now = (int64_t)time(NULL), .accept_one_time = true, .host_key = host_key_check};
    struct verifier_result result = {0};

    if (o->service)
        check.service = slice_of(o->service);
    decode_token(token, &text);
    if (policy_init(&words) != TOK_OK)
        out_of_memory();
    result.err = verifier_open(&params, &v, &result.errmsg);
    if (!result.err)
        verifier_check(&v, token, &check, &result);
    if (o->json)
        print_token_json(&text, &result);
    else
        print_token_text(&text, &result, check.now);
    return text.header.p && text.payload.p ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Without a refresh: the token may have expired. */
static int show_kept(const struct show_options *o)
{
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg errmsg;

    if (session_kept(o->server, &s, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (!o->json)
        puts("token:   of the session; for another: cat | jwtctl show");
    return show(secret_slice(&s.access), o);
}

int command_show(int argc, char **argv)
{
    CLEANUP(input_close) struct input in = {0};
    struct show_options o = {0};
    const struct option_row options[] = {
        OPTION_SERVER(&o.server),
        {"service", "SERVICE", "the PAM service; the default is any", .value = &o.service},
        OPTION_OUTPUT(&o.json),
        {0}};
    struct slice token;
    struct errmsg errmsg;

    arguments_parse(argc, argv, options, INT_MAX);
    if (optind < argc)
        bad_usage(argv[0], "expected the token on standard input, not as an argument");
    if (isatty(STDIN_FILENO))
        return show_kept(&o);
    input_open(&in);
    if (input_whole(&in, &token, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    /* In scripts and over ssh, standard input is often empty. */
    return token.n == 0 ? show_kept(&o) : show(token, &o);
}
