/* jwtctl token: an access token, for programs that take one; narrowed where words ask for it.
 */
#include "common/base/cleanup.h"
#include "common/base/timespan.h"
#include "jwtctl/command.h"
#include "jwtctl/narrow.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <string.h>

#define SECOND UINT64_C(1000000)

struct request {
    struct narrow narrow;
    struct text scope; /* its words */
    bool narrowed, json;
};

static void request_clear(struct request *r)
{
    text_clear(&r->scope);
}

static enum tok_err compose(struct slice access, bool json, struct text *line)
{
    int64_t iat, exp;
    enum tok_err err;

    if (!json) {
        text_add(line, access);
        return TOK_OK;
    }
    err = session_token_times(access, &iat, &exp);
    if (err)
        return err;
    text_puts(line, "{\"access\":");
    text_json(line, access);
    text_puts(line, ",\"expires\":");
    text_json_int(line, exp);
    text_puts(line, "}");
    return TOK_OK;
}

static void add_words(struct text *scope, const char *before, const char *words)
{
    text_puts(scope, scope->n > 0 ? " " : "");
    text_puts(scope, before);
    text_puts(scope, words);
}

static int set_option(struct request *r, const char *name, int c)
{
    uint64_t span;

    switch (c) {
    case 'j':
        r->json = true;
        return EXIT_SUCCESS;
    case 'n':
        if (optarg[0] == '\0' || strpbrk(optarg, " \t"))
            return complain_usage(name, "--service takes the name of one PAM service");
        add_words(&r->scope, "pam:", optarg);
        break;
    case 'w':
        add_words(&r->scope, "", optarg);
        break;
    case 'h':
        r->narrow.audience = optarg;
        break;
    case 'l':
        if (timespan_parse(slice_of(optarg), &span) != TOK_OK || span < SECOND)
            return complain_usage(name, "--lifetime=%s: allowed is %s, one second at least",
                                  optarg, TIMESPAN_FORM);
        r->narrow.lifetime = (int64_t)(span / SECOND);
        break;
    case 'o':
        r->narrow.one_time = true;
        break;
    default:
        return EXIT_USAGE;
    }
    r->narrowed = true;
    return EXIT_SUCCESS;
}

static int parse(int argc, char **argv, struct request *r)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"service", required_argument, NULL, 'n'},
        {"host", required_argument, NULL, 'h'},
        {"lifetime", required_argument, NULL, 'l'},
        {"scope", required_argument, NULL, 'w'},
        {"once", no_argument, NULL, 'o'},
        {0},
    };
    int c, status;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        status = set_option(r, argv[0], c);
        if (status)
            return status;
    }
    if (optind < argc)
        return complain_usage(argv[0], "unexpected argument '%s'", argv[optind]);
    text_add(&r->scope, (struct slice){"", 1});
    if (text_err(&r->scope)) {
        complain("out of memory");
        return EXIT_FAILURE;
    }
    r->narrow.scope = r->scope.room.p;
    return EXIT_SUCCESS;
}

/* A token for one use is for one host: the only one, where none is named. */
static enum tok_err narrow(const struct session *s, struct narrow n, struct secret *ret,
                           struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret only = {0};
    enum tok_err err;

    if (n.one_time && !n.audience) {
        err = narrow_audience(s, NULL, &only, errmsg);
        if (err)
            return err;
        n.audience = only.p;
    }
    return narrow_token(s, &n, ret, errmsg);
}

int command_token(int argc, char **argv)
{
    CLEANUP(session_clear) struct session s = {0};
    CLEANUP(request_clear) struct request r = {0};
    CLEANUP(secret_clear) struct secret narrowed = {0};
    CLEANUP(text_clear) struct text line = {0};
    struct errmsg errmsg;
    enum tok_err err;
    int status = parse(argc, argv, &r);

    if (status)
        return status;
    err = session_get(&s, &errmsg);
    if (!err && r.narrowed)
        err = narrow(&s, r.narrow, &narrowed, &errmsg);
    if (err) {
        complain("%s", errmsg.text);
        return EXIT_FAILURE;
    }
    if (compose(secret_slice(r.narrowed ? &narrowed : &s.access), r.json, &line) != TOK_OK) {
        complain("the access token can't be read");
        return EXIT_FAILURE;
    }
    return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
}
