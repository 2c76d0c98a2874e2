#include "jwtctl/key_file.h"

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/config/setting.h"
#include "common/jose/key.h"
#include "jwtctl/command.h"
#include "jwtctl/input.h"
#include "jwtctl/output.h"
#include "jwtctl/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_MAX ((size_t)64 * 1024)

struct options {
    alg_set algorithms; /* 0: none was named */
    bool pem;
    const char *from; /* NULL: standard input */
    const char *to;   /* NULL: standard output */
};

int key_alg_option(const char *name, const char *value, alg_set *ret)
{
    const struct alg *alg = alg_find(slice_of(value));
    const struct setting one = {.kind = SETTING_ALGORITHM};
    char form[SETTING_FORM];

    if (alg) {
        *ret = alg_bit(alg);
        return EXIT_SUCCESS;
    }
    setting_form(&one, form);
    return complain_usage(name, "--alg=%s: allowed is %s", value, form);
}

/* most: how many paths there may be, the first to read when reads is true. */
static int parse(int argc, char **argv, bool reads, int most, struct options *ret)
{
    static const struct option options[] = {
        {"alg", required_argument, NULL, 'a'}, {"pem", no_argument, NULL, 'p'}, {0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'p')
            ret->pem = true;
        else if (c != 'a' || key_alg_option(argv[0], optarg, &ret->algorithms))
            return EXIT_USAGE;
    }
    if (argc - optind > most)
        return complain_usage(argv[0], "one argument too many: '%s'", argv[optind + most]);
    if (reads && optind < argc && strcmp(argv[optind++], "-") != 0)
        ret->from = argv[optind - 1];
    if (optind < argc)
        ret->to = argv[optind];
    return EXIT_SUCCESS;
}

static enum tok_err read_input(struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(input_close) struct input in = {0};
    struct slice text;
    enum tok_err err = input_open(STDIN_FILENO, &in);

    if (!err)
        err = input_whole(&in, &text, errmsg);
    if (!err && text.n >= INPUT_MAX)
        return errmsg_set(errmsg, TOK_KEYS, "too long for a key");
    return err ? err : secret_copy(text, ret);
}

static enum tok_err read_key(const struct options *o, struct key **ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct errmsg in_file = {""};
    enum tok_err err;

    err = o->from ? file_read(o->from, FILE_OWN, KEY_FILE_MAX, &text.p, &text.n, NULL, errmsg)
                  : read_input(&text, errmsg);
    if (err)
        return err;
    err = key_read(
        &(struct key_reading){NULL, KEY_EITHER, o->algorithms ? o->algorithms : ~(alg_set)0},
        secret_slice(&text), ret, &in_file);
    if (err)
        return errmsg_set(errmsg, err, "%s: %s", o->from ? o->from : "standard input",
                          *in_file.text ? in_file.text : tok_err_text(err));
    return TOK_OK;
}

static int broken(enum tok_err err, const struct errmsg *errmsg)
{
    complain("%s", *errmsg->text ? errmsg->text : tok_err_text(err));
    return EXIT_BROKEN;
}

static int print(struct slice text)
{
    CLEANUP(text_clear) struct text out = {0};

    text_add(&out, text);
    return text_print_line(&out) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A private key to standard output, or to a new file of its owner alone. */
static int put_private(const struct key *key, const char *path)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    struct errmsg errmsg = {""};
    enum tok_err err = key_private_jwk(key, &jwk);

    if (!err && !path)
        return print(secret_slice(&jwk));
    if (!err && access(path, F_OK) == 0)
        err = errmsg_set(&errmsg, TOK_FILE, "%s: is there already; a key is never written over",
                         path);
    if (!err)
        err = file_write(path, secret_slice(&jwk), 0600, &errmsg);
    return err ? broken(err, &errmsg) : print(key_kid(key));
}

int command_key_new(int argc, char **argv)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    struct options o = {.algorithms = alg_bit(alg_at(0))};
    const struct alg *alg;
    enum tok_err err;
    size_t i = 0;
    int status = parse(argc, argv, false, 1, &o);

    if (status)
        return status;
    if (o.pem)
        return complain_usage(argv[0],
                              "a new key is a JWK; key export --pem prints its public half");
    while ((alg = alg_at(i)) && !(alg_bit(alg) & o.algorithms))
        i++;
    err = key_generate(NULL, alg, &key);
    return err ? broken(err, &(struct errmsg){""}) : put_private(key, o.to);
}

int command_key_export(int argc, char **argv)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    struct options o = {0};
    struct errmsg errmsg = {""};
    enum tok_err err;
    int status = parse(argc, argv, true, 1, &o);

    if (status)
        return status;
    err = read_key(&o, &key, &errmsg);
    if (!err && key_alg(key)->kind == ALG_OCT)
        err = errmsg_set(&errmsg, TOK_KEYS, "%s is a secret and has no public half",
                         o.from ? o.from : "the key");
    if (!err)
        err = o.pem ? key_public_pem(key, &text) : key_public_jwk(key, &text);
    if (err)
        return broken(err, &errmsg);
    if (!o.pem)
        return print(slice_of(text));
    /* PEM ends in a newline itself. */
    return print((struct slice){text, strlen(text) - 1});
}

int command_key_import(int argc, char **argv)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    struct options o = {0};
    struct errmsg errmsg = {""};
    enum tok_err err;
    int status = parse(argc, argv, true, 2, &o);

    if (status)
        return status;
    if (o.pem)
        return complain_usage(argv[0], "what is made is a JWK; PEM is told by its first line");
    err = read_key(&o, &key, &errmsg);
    if (err)
        return broken(err, &errmsg);
    if (key_is_private(key))
        return put_private(key, o.to);
    err = key_public_jwk(key, &text);
    if (!err && !o.to)
        return print(slice_of(text));
    if (!err)
        err = file_write(o.to, slice_of(text), 0644, &errmsg);
    return err ? broken(err, &errmsg) : EXIT_SUCCESS;
}
