/* jwtctl verify: the check that pam_jwt makes with the same options. */
#include "common/json/json.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/input.h"
#include "jwtctl/output.h"
#include "jwtctl/verifier.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct verify_options {
    struct policy *words;
    const char *config, *user, *service;
    int64_t now; /* below 0: the clock's */
    bool batch, json;
};

static void parse_now(const char *command, const char *value, void *arg)
{
    uint64_t now;

    if (!slice_digits(slice_of(value), &now) || now > SCAN_INTEGER_MAX)
        bad_usage(command, "--now=%s: expected a whole number of seconds since 1970", value);
    *(int64_t *)arg = (int64_t)now;
}

/* pam_jwt takes absolute paths only; here a relative one starts at the working directory. */
static bool make_absolute(struct slice word, struct slice *value, char **ret)
{
    bool path =
        slice_is(word, "keys") || slice_is(word, "host_keys") ||
        (slice_is(word, "revoked") && !slice_is(*value, "none")) ||
        (slice_is(word, "user_map") && !slice_is(*value, "none") && !slice_is(*value, "same"));
    CLEANUP(cleanup_free) char *here = NULL;

    if (!path || value->n == 0 || value->p[0] == '/')
        return true;
    here = getcwd(NULL, 0);
    if (!here)
        return false;
    if (asprintf(ret, "%s/%s", here, value->p) < 0)
        out_of_memory();
    *value = slice_of(*ret);
    return true;
}

static void parse_pam_option(const char *command, const char *arg, struct verify_options *o)
{
    const char *equals = strchr(arg, '=');
    struct slice word = {arg, equals ? (size_t)(equals - arg) : strlen(arg)};
    struct slice value = {equals ? equals + 1 : NULL, equals ? strlen(equals + 1) : 0};
    CLEANUP(cleanup_free) char *absolute = NULL;
    struct errmsg errmsg = {""};
    enum tok_err err;

    if (equals && slice_is(word, "config")) {
        if (value.n == 0)
            bad_usage(command, "config=: expected the path of a file");
        o->config = value.p;
        return;
    }
    if (!make_absolute(word, &value, &absolute))
        bad_usage(command, "%s: cannot find the working directory; expected an absolute path",
                  arg);
    err = policy_set(o->words, word, value, &errmsg);
    if (err == TOK_NO_MEMORY)
        out_of_memory();
    if (err == TOK_UNSUPPORTED)
        bad_usage(command, "unknown option '%s'; jwtctl(1) lists those of pam_jwt", arg);
    if (err)
        bad_usage(command, "%s", errmsg.text);
}

static void parse_verify(int argc, char **argv, struct verify_options *o)
{
    const struct option_row options[] = {
        {"user", "USER", "the user who logs in; the default is any", .value = &o->user},
        {"service", "SERVICE", "the PAM service; the default is any", .value = &o->service},
        {"now", "EPOCH", "the time, in seconds since 1970", .parse = parse_now, .arg = &o->now},
        {"batch", NULL, "read a token per line, and print a line for each", .flag = &o->batch},
        OPTION_OUTPUT(&o->json),
        {0},
    };

    if (policy_init(o->words) != TOK_OK)
        out_of_memory();
    arguments_parse(argc, argv, options, INT_MAX);
    if (o->user && !o->user[0])
        bad_usage(argv[0], "--user=: expected a user name; without --user any "
                           "user is accepted");
    if (o->service && !o->service[0])
        bad_usage(argv[0], "--service=: expected the name of a PAM service");
    while (optind < argc)
        parse_pam_option(argv[0], argv[optind++], o);
}

static struct slice optional(const char *s)
{
    return s ? slice_of(s) : (struct slice){0};
}

/* Prints the result as a line, and returns its exit status. */
static int verify_one(struct verifier *v, const struct verify_options *o, struct slice token)
{
    const struct policy_params check = {
        .now = o->now < 0 ? (int64_t)time(NULL) : o->now,
        .user = optional(o->user),
        .service = optional(o->service),
        .host_key = host_key_check,
        .accept_one_time = true, /* as pam_jwt does; nothing is used up here */
    };
    CLEANUP(cleanup_json) struct json_object *json = NULL;
    struct verifier_result result = {0};

    verifier_check(v, token, &check, &result);
    if (o->json) {
        json = verifier_json(&result);
        json_print(json);
    } else {
        verifier_print(&result);
    }
    flush_output(EXIT_CONFIG);
    if (!tok_err_is_ours(result.err))
        return result.err ? EXIT_FAILURE : EXIT_SUCCESS;
    return print_failure(EXIT_CONFIG, &result.errmsg);
}

/* The exit status shows that all lines were checked, not the results. */
static int verify_batch(struct verifier *v, const struct verify_options *o, struct input *in)
{
    int status = EXIT_SUCCESS;

    for (;;) {
        struct slice token;
        struct errmsg errmsg;

        if (input_line(in, &token, &errmsg) != TOK_OK)
            return print_failure(EXIT_CONFIG, &errmsg);
        if (!token.p)
            return status;
        if (verify_one(v, o, token) == EXIT_CONFIG)
            status = EXIT_CONFIG;
    }
}

int command_verify(int argc, char **argv)
{
    CLEANUP(policy_clear) struct policy words = {0};
    struct verify_options o = {.words = &words, .now = -1, .json = true};
    CLEANUP(verifier_close) struct verifier v = {0};
    CLEANUP(input_close) struct input in = {0};
    struct resolve_params params = {
        .words = &words, .trust = FILE_OWN, .keys_without_list = true};
    struct slice token;
    struct errmsg errmsg;

    parse_verify(argc, argv, &o);
    params.config = o.config;
    if (verifier_open(&params, &v, &errmsg) != TOK_OK)
        return print_failure(EXIT_CONFIG, &errmsg);
    input_open(&in);
    if (o.batch)
        return verify_batch(&v, &o, &in);
    if (input_whole(&in, &token, &errmsg) != TOK_OK)
        return print_failure(EXIT_CONFIG, &errmsg);
    return verify_one(&v, &o, token);
}
