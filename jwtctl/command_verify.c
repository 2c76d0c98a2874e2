/* jwtctl verify: the judgement pam_jwt would give with the same words. */
#include "common/base/cleanup.h"
#include "jwtctl/command.h"
#include "jwtctl/input.h"
#include "jwtctl/output.h"
#include "jwtctl/verifier.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct verify {
    struct policy words;
    const char *config, *user, *service;
    int64_t now; /* below 0: the clock's */
    bool batch;
};

static void verify_clear(struct verify *v)
{
    policy_clear(&v->words);
}

static int parse_now(const char *name, const char *text, int64_t *ret)
{
    const int64_t most = ((int64_t)1 << 53) - 1;
    int64_t value = 0;

    for (const char *p = text; *p >= '0' && *p <= '9' && value <= most; p++)
        value = value * 10 + (*p - '0');
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || value > most)
        return complain_usage(name, "--now=%s: allowed is a whole number of seconds since 1970",
                              text);
    *ret = value;
    return EXIT_SUCCESS;
}

/* The words of files take absolute paths alone, for the module's sake: its working directory is
 * whoever's logs in. A person at a shell means their own. */
static bool make_absolute(struct slice word, struct slice *value, char **ret)
{
    bool path =
        slice_is(word, "keys") || (slice_is(word, "revoked") && !slice_is(*value, "none")) ||
        (slice_is(word, "user_map") && !slice_is(*value, "none") && !slice_is(*value, "same"));
    CLEANUP(cleanup_free) char *here = NULL;

    if (!path || value->n == 0 || value->p[0] == '/')
        return true;
    here = getcwd(NULL, 0);
    if (!here || asprintf(ret, "%s/%s", here, value->p) < 0) {
        *ret = NULL;
        return false;
    }
    *value = slice_of(*ret);
    return true;
}

static int parse_word(const char *name, const char *arg, struct verify *v)
{
    const char *equals = strchr(arg, '=');
    struct slice word = {arg, equals ? (size_t)(equals - arg) : strlen(arg)};
    struct slice value = {equals ? equals + 1 : NULL, equals ? strlen(equals + 1) : 0};
    CLEANUP(cleanup_free) char *absolute = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (equals && slice_is(word, "config")) {
        v->config = value.p;
        return value.n > 0 ? EXIT_SUCCESS
                           : complain_usage(name, "config=: allowed is the path of a file");
    }
    if (!make_absolute(word, &value, &absolute))
        return complain_usage(name, "%s: the working directory can't be told", arg);
    err = policy_set(&v->words, POLICY_WORDS, word, value, &errmsg);
    if (err == TOK_OK)
        return EXIT_SUCCESS;
    if (err == TOK_UNSUPPORTED)
        return complain_usage(name, "unknown word '%s'; jwtctl(1) lists those allowed", arg);
    return complain_usage(name, "%s", err == TOK_NO_MEMORY ? "out of memory" : errmsg.text);
}

static int parse_option(const char *name, int c, struct verify *v)
{
    switch (c) {
    case 'u':
        v->user = optarg;
        if (optarg[0] == '\0')
            return complain_usage(name, "--user=: allowed is a user's name; without --user any "
                                        "user will do");
        return EXIT_SUCCESS;
    case 's':
        v->service = optarg;
        if (optarg[0] == '\0')
            return complain_usage(name, "--service=: allowed is the name of a PAM service");
        return EXIT_SUCCESS;
    case 'n':
        return parse_now(name, optarg, &v->now);
    case 'b':
        v->batch = true;
        return EXIT_SUCCESS;
    case 'j':
        return EXIT_SUCCESS;
    default:
        return EXIT_USAGE;
    }
}

static int parse(int argc, char **argv, struct verify *v)
{
    static const struct option options[] = {
        {"user", required_argument, NULL, 'u'}, {"service", required_argument, NULL, 's'},
        {"now", required_argument, NULL, 'n'},  {"batch", no_argument, NULL, 'b'},
        {"json", no_argument, NULL, 'j'},       {0},
    };
    int c, status = EXIT_SUCCESS;

    if (policy_init(&v->words) != TOK_OK) {
        complain("out of memory");
        return EXIT_BROKEN;
    }
    while (!status && (c = getopt_long(argc, argv, "", options, NULL)) != -1)
        status = parse_option(argv[0], c, v);
    while (!status && optind < argc)
        status = parse_word(argv[0], argv[optind++], v);
    return status;
}

static struct slice optional(const char *s)
{
    return s ? slice_of(s) : (struct slice){0};
}

/* One line of judgement. The exit status it stands for. */
static int judge_one(struct judge *j, const struct verify *v, struct slice token)
{
    const struct policy_params check = {
        .now = v->now < 0 ? (int64_t)time(NULL) : v->now,
        .user = optional(v->user),
        .service = optional(v->service),
        .accept_one_time = true, /* the module would; a check uses nothing up */
    };
    CLEANUP(text_clear) struct text line = {0};
    struct judgement judgement = {0};

    judge_token(j, token, &check, &judgement);
    judge_write(&judgement, &line);
    if (!text_print_line(&line))
        return EXIT_BROKEN;
    if (!tok_err_is_ours(judgement.err))
        return judgement.err ? EXIT_FAILURE : EXIT_SUCCESS;
    complain("%s", judgement.errmsg.text);
    return EXIT_BROKEN;
}

/* The exit status says that every line was judged, not what the verdicts were. */
static int judge_lines(struct judge *j, const struct verify *v, struct input *in)
{
    int status = EXIT_SUCCESS;

    for (;;) {
        struct slice token;
        struct errmsg errmsg;
        bool end;

        if (input_line(in, &token, &end, &errmsg) != TOK_OK) {
            complain("%s", errmsg.text);
            return EXIT_BROKEN;
        }
        if (end)
            return status;
        if (judge_one(j, v, token) == EXIT_BROKEN)
            status = EXIT_BROKEN;
    }
}

static int judge_all(struct judge *j, const struct verify *v)
{
    CLEANUP(input_close) struct input in = {0};
    struct slice token;
    struct errmsg errmsg;

    if (input_open(STDIN_FILENO, &in) != TOK_OK) {
        complain("out of memory");
        return EXIT_BROKEN;
    }
    if (v->batch)
        return judge_lines(j, v, &in);
    if (input_whole(&in, &token, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        return EXIT_BROKEN;
    }
    return judge_one(j, v, token);
}

int command_verify(int argc, char **argv)
{
    CLEANUP(verify_clear) struct verify v = {.now = -1};
    CLEANUP(judge_close) struct judge j = {0};
    struct errmsg errmsg;
    int status = parse(argc, argv, &v);

    if (status)
        return status;
    if (judge_open(&(struct resolve_params){.words = &v.words,
                                            .config = v.config,
                                            .trust = FILE_OWN,
                                            .keys_without_list = true},
                   &j, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        return EXIT_BROKEN;
    }
    return judge_all(&j, &v);
}
