/* jwtctl key list, new, export, import: keys in files, as JWK, JWK Set and PEM. */
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/base/utf8.h"
#include "common/jose/keyset.h"
#include "common/json/emit.h"
#include "common/token/policy.h"
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/input.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define KEY_FILE_MAX ((size_t)64 * 1024)

/* NULL: all algorithms. */
static alg_set alg_choice(const struct alg *alg)
{
    return alg ? alg_bit(alg) : ~(alg_set)0;
}

static void parse_alg(const char *command, const char *value, void *arg)
{
    const struct alg *alg = alg_find(slice_of(value));

    if (!alg)
        bad_usage(command, "--alg=%s: expected one of " ALG_NAMES, value);
    *(const struct alg **)arg = alg;
}

#define ALG_ROW(text, to)                                                                      \
    {                                                                                          \
        "alg", "ALG", text, .parse = parse_alg, .arg = (to)                                    \
    }

static int config_error(enum tok_err err, const struct errmsg *errmsg)
{
    print_error("%s", *errmsg->text ? errmsg->text : tok_err_text(err));
    return EXIT_CONFIG;
}

/* The names of the algorithms, with commas between them. */
static void alg_names(alg_set set, char *ret, size_t size)
{
    const struct alg *alg;
    size_t n = 0;

    *ret = '\0';
    for (; (alg = alg_first(set)) && n < size; set &= ~alg_bit(alg))
        n += (size_t)snprintf(ret + n, size - n, "%s%s", n ? "," : "", alg->name);
}

static enum tok_err add_key_row(struct json_object *list, const struct key *key)
{
    char thumbprint[KEY_THUMBPRINT_LEN], algs[sizeof(ALG_NAMES)];
    struct json_object *row;
    enum tok_err err = key_thumbprint(key, thumbprint);

    if (err)
        return err;
    row = json_new_object();
    json_add_string(row, "kid", key_kid(key).n > 0 ? key_kid(key) : (struct slice){0});
    alg_names(key_algs(key), algs, sizeof(algs));
    json_add_string(row, "alg", slice_of(algs));
    json_add_string(row, "thumbprint", (struct slice){thumbprint, sizeof(thumbprint)});
    json_append(list, row);
    return TOK_OK;
}

static void copy_member(struct json_object *to, struct json_object *from, const char *name)
{
    if (json_member_text(from, name))
        json_add(to, name, json_object_get(json_member(from, name)));
}

/* Adds what the issuer knows of a key. */
static void add_state(struct json_object *list, struct json_object *key)
{
    const char *wanted = json_member_text(key, "thumbprint");

    for (size_t i = 0; wanted && i < json_length(list); i++) {
        struct json_object *row = json_object_array_get_idx(list, i);
        const char *thumbprint = json_member_text(row, "thumbprint");

        if (!thumbprint || strcmp(thumbprint, wanted) != 0)
            continue;
        copy_member(row, key, "state");
        copy_member(row, key, "bundle_key");
    }
}

/* What root sees: states of keys, and the keys that sign this issuer's bundles; without an
 * issuer nothing. */
static enum tok_err add_issuer_rows(struct json_object *list, const char *socket,
                                    struct errmsg *errmsg)
{
    static const char *const lists[] = {"keys", "other_keys"};
    CLEANUP(cleanup_json) struct json_object *status = NULL;
    struct admin_answer answer;
    struct json_object *keys;
    enum tok_err err = admin_send(socket, WIRE_ADMIN_STATUS, NULL, &answer, errmsg);

    if (err)
        return err == TOK_MISSING ? TOK_OK : err;
    if (answer.message.status != WIRE_OK || json_read(answer.message.v[0].text, &status))
        return TOK_FILE;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        keys = json_member(status, lists[i]);
        for (size_t k = 0; k < json_length(keys); k++)
            add_state(list, json_object_array_get_idx(keys, k));
    }
    keys = json_member(json_member(status, "bundle"), "keys");
    for (size_t i = 0; i < json_length(keys); i++) {
        struct json_object *row = json_object_get(json_object_array_get_idx(keys, i));

        json_add_string(row, "use", SLICE("bundle"));
        json_append(list, row);
    }
    return TOK_OK;
}

static void print_key_use(struct json_object *row)
{
    const char *state = json_member_text(row, "state");
    const char *bundle_key = json_member_text(row, "bundle_key");

    if (json_member(row, "use"))
        printf(json_object_get_boolean(json_member(row, "signs")) ? "  bundle"
                                                                  : "  bundle, old");
    else if (state)
        printf("  %s", state);
    if (bundle_key)
        printf(", issuer %s", bundle_key);
    putchar('\n');
}

static void print_key_list(struct json_object *list)
{
    puts("KID  ALG  THUMBPRINT");
    for (size_t i = 0; i < json_length(list); i++) {
        struct json_object *row = json_object_array_get_idx(list, i);
        const char *skipped = json_member_text(row, "skipped");

        if (skipped) {
            print_note("not used", skipped);
            continue;
        }
        print_word(json_member_text(row, "kid"));
        printf("  %s  %s", json_member_text(row, "alg"), json_member_text(row, "thumbprint"));
        print_key_use(row);
    }
}

int command_key_list(int argc, char **argv)
{
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    CLEANUP(cleanup_json) struct json_object *list = json_new_array();
    const struct alg *alg = NULL;
    const char *socket = NULL;
    bool json = false;
    const struct option_row options[] = {
        ALG_ROW("list only keys of this algorithm", &alg),
        ADMIN_ROW(&socket),
        OPTION_OUTPUT(&json),
        {0},
    };
    struct errmsg errmsg = {""};
    const char *path, *skipped;
    enum tok_err err;

    arguments_parse(argc, argv, options, 1);
    path = optind < argc ? argv[optind] : POLICY_KEYS;
    if (strncmp(path, "keys=", 5) == 0)
        path += 5; /* as pam_jwt takes it */
    err = keyset_load(&(struct keyset_source){NULL, path, FILE_OWN_KEYS, alg_choice(alg)},
                      &keys, &errmsg);
    for (size_t i = 0; !err && i < keyset_size(keys); i++)
        err = add_key_row(list, keyset_at(keys, i));
    for (size_t i = 0; !err && (skipped = keyset_skipped(keys, i)); i++) {
        struct json_object *row = json_new_object();

        json_add_string(row, "skipped", slice_of(skipped));
        json_append(list, row);
    }
    if (!err && (socket || optind == argc) && geteuid() == 0)
        err = add_issuer_rows(list, socket ? socket : ADMIN_SOCKET, &errmsg);
    if (err)
        return config_error(err, &errmsg);
    if (json)
        json_print(list);
    else
        print_key_list(list);
    return EXIT_SUCCESS;
}

static enum tok_err read_input(struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(input_close) struct input in = {0};
    struct slice text;
    enum tok_err err;

    input_open(&in);
    err = input_whole(&in, &text, errmsg);
    if (err)
        return err;
    if (text.n >= INPUT_MAX)
        return errmsg_set(errmsg, TOK_KEYS,
                          "standard input: expected a key of less than %d bytes",
                          (int)INPUT_MAX);
    text.n += text.p[text.n] == '\n'; /* that input_whole left out */
    return secret_copy(text, ret);
}

/* One line of text: then a newline at its end is the editor's. */
static bool is_one_line(struct slice text)
{
    for (size_t n; text.n > 0; text = slice_skip(text, n)) {
        n = utf8_length(text.p, text.p + text.n);
        if (n == 0 || text_is_control(*text.p))
            return false;
    }
    return true;
}

/* What others can read is not a secret: with a public key as an HMAC secret every user could
 * issue tokens. */
static bool is_public(struct slice text)
{
    return memmem(text.p, text.n, "PUBLIC KEY-----", 15) ||
           memmem(text.p, text.n, "CERTIFICATE-----", 16) ||
           memmem(text.p, text.n, "\"kty\"", 5);
}

/* Makes a key of the bytes of a secret, as Slurm (jwt_hs256.key) and Django (SECRET_KEY) use
 * them. */
static enum tok_err read_raw(struct slice bytes, const struct alg *alg, struct key **ret,
                             struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    struct slice line = {bytes.p, bytes.n - text_ends_with(bytes, "\n")};
    struct emit out;
    enum tok_err err;

    if (is_public(bytes))
        return errmsg_set(errmsg, TOK_KEYS, "expected a secret, found a public key or JWK");
    line.n -= line.n < bytes.n && text_ends_with(line, "\r");
    if (line.n < bytes.n && is_one_line(line)) {
        print_error("the newline at the end is not part of the secret");
        bytes = line;
    }
    err = secret_alloc(64 + BASE64URL_LEN(bytes.n), &jwk);
    if (err)
        return err;
    out = (struct emit){.p = jwk.p, .size = jwk.n};
    emit_begin(&out);
    emit_member_string(&out, "kty", SLICE("oct"));
    emit_member_string(&out, "alg", slice_of(alg->name));
    emit_member_base64url(&out, "k", bytes);
    emit_end(&out);
    return key_from_jwk(NULL, (struct slice){jwk.p, out.n}, KEY_PRIVATE, ret, errmsg);
}

/* path NULL or "-": standard input. raw: it is the secret itself. */
static enum tok_err read_key_file(const char *path, const struct alg *alg, bool raw,
                                  struct key **ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct errmsg reason = {""};
    bool is_file = path && strcmp(path, "-") != 0;
    enum tok_err err;

    err = is_file ? file_read(path, FILE_OWN, KEY_FILE_MAX, &text, errmsg)
                  : read_input(&text, errmsg);
    if (err)
        return err;
    err = raw ? read_raw(secret_slice(&text), alg, ret, &reason)
              : key_read(&(struct key_reading){NULL, KEY_EITHER, alg_choice(alg)},
                         secret_slice(&text), ret, &reason);
    if (err)
        return errmsg_set(errmsg, err, "%s: %s", is_file ? path : "standard input",
                          *reason.text ? reason.text : tok_err_text(err));
    return TOK_OK;
}

/* Prints the key, or writes it to a new file and prints its id. */
static enum tok_err put_private(const struct key *key, const char *path, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret jwk = {0};
    enum tok_err err = key_private_jwk(key, &jwk);

    if (err)
        return err;
    if (!path) {
        puts(jwk.p);
        return TOK_OK;
    }
    if (access(path, F_OK) == 0)
        return errmsg_set(errmsg, TOK_FILE,
                          "%s: file exists; an existing key is not overwritten", path);
    err = file_write(path, secret_slice(&jwk), 0600, errmsg);
    if (!err)
        printf("%.*s\n", (int)key_kid(key).n, key_kid(key).p);
    return err;
}

static enum tok_err put_public(const struct key *key, const char *path, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *jwk = NULL;
    enum tok_err err = key_public_jwk(key, &jwk);

    if (err)
        return err;
    if (path)
        return file_write(path, slice_of(jwk), 0644, errmsg);
    puts(jwk);
    return TOK_OK;
}

int command_key_new(int argc, char **argv)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    const struct alg *alg = alg_at(0);
    const struct option_row options[] = {ALG_ROW("the algorithm; the default is EdDSA", &alg),
                                         {0}};
    struct errmsg errmsg = {""};
    enum tok_err err;

    arguments_parse(argc, argv, options, 1);
    err = key_generate(NULL, alg, &key);
    if (!err)
        err = put_private(key, argv[optind], &errmsg);
    return err ? config_error(err, &errmsg) : EXIT_SUCCESS;
}

int command_key_export(int argc, char **argv)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    const struct alg *alg = NULL;
    bool pem = false;
    const struct option_row options[] = {
        ALG_ROW("the algorithm, if the key does not name it", &alg),
        {"pem", NULL, "print PEM instead of a JWK", .flag = &pem},
        {0},
    };
    struct errmsg errmsg = {""};
    enum tok_err err;

    arguments_parse(argc, argv, options, 1);
    err = read_key_file(argv[optind], alg, false, &key, &errmsg);
    if (!err && key_alg(key)->kind == ALG_OCT)
        err = errmsg_set(&errmsg, TOK_KEYS, "%s: an HMAC secret has no public half",
                         argv[optind] ? argv[optind] : "standard input");
    if (!err)
        err = pem ? key_public_pem(key, &text) : key_public_jwk(key, &text);
    if (err)
        return config_error(err, &errmsg);
    printf("%s%s", text, pem ? "" : "\n"); /* PEM ends in a newline */
    return EXIT_SUCCESS;
}

int command_key_import(int argc, char **argv)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    const struct alg *alg = NULL;
    bool raw = false;
    const struct option_row options[] = {
        ALG_ROW("the algorithm, if the key does not name it", &alg),
        {"raw", NULL, "the input is the secret of an HMAC key itself", .flag = &raw},
        {0},
    };
    struct errmsg errmsg = {""};
    const char *path;
    enum tok_err err;

    arguments_parse(argc, argv, options, 2);
    if (raw && !alg)
        alg = alg_find(SLICE("HS256"));
    if (raw && alg->kind != ALG_OCT)
        bad_usage(argv[0], "--raw: expected --alg=HS256, HS384 or HS512");
    path = optind < argc ? argv[optind + 1] : NULL;
    err = read_key_file(argv[optind], alg, raw, &key, &errmsg);
    if (!err)
        err = key_is_private(key) ? put_private(key, path, &errmsg)
                                  : put_public(key, path, &errmsg);
    return err ? config_error(err, &errmsg) : EXIT_SUCCESS;
}
