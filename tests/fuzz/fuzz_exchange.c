/*
 * What jwtd and jwtd-issuer read of a token exchange. After R and a letter for the media type
 * (J, F): the body of the request, with the fields of the endpoint. After S: a payload that a
 * key of the section signs; anything else is the subject token itself. Beyond "no crash":
 *
 * - a value that was read has no NUL and lies in the body or its room
 * - nothing that was not signed is accepted
 * - an accepted token names issuer and audience, has not expired, is not narrowed, for one use
 *   or bound, and its local user has a valid name and is not root
 * - the same token has the same id again, and another payload another id, unless its jti is the
 *   same
 */
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "jwtd/http/body.h"
#include "jwtd/issuer/subject_token.h"
#include "tests/fuzz/fuzz.h"

#include <json-c/json.h>
#include <stdio.h>

#define NOW 1700000100
#define ISSUER "https://idp.example"
#define SECTION                                                                                \
    "[Issuer " ISSUER "]\nKeys=%s/jwks\nUserMap=%s/map\nAudience=jwt-login\nType=\n"           \
    "Exchange=yes\n"
#define MAP ISSUER " *@corp.example * fold\n" ISSUER " ci alice\n" ISSUER " boss root\n"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct {
    char dir[64];
    struct key *key;
    struct issuer x;
} rig;

int64_t issuer_wall(const struct issuer *x)
{
    return NOW;
}

static void put(const char *name, const char *text)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, name);
    must(file_write(path, slice_of(text), 0644, NULL) == TOK_OK);
}

static void remove_files(void)
{
    static const char *const names[] = {"jwks", "map", "store", "store-wal", "store-shm", ""};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, names[i]);
        (void)remove(path);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CLEANUP(cleanup_free) char *jwk = NULL;
    char text[1024], store[128];
    struct errmsg errmsg;

    (void)argc;
    (void)argv;
    (void)snprintf(rig.dir, sizeof(rig.dir), "/tmp/fuzz-exchange.XXXXXX");
    must(mkdtemp(rig.dir) != NULL && atexit(remove_files) == 0);
    must(key_generate(NULL, alg_find(SLICE("EdDSA")), &rig.key) == TOK_OK);
    must(key_public_jwk(rig.key, &jwk) == TOK_OK);
    (void)snprintf(text, sizeof(text), "{\"keys\":[%s]}", jwk);
    put("jwks", text);
    put("map", MAP);
    must(settings_init(&rig.x.service.settings) == TOK_OK);
    (void)snprintf(text, sizeof(text), SECTION, rig.dir, rig.dir);
    must(settings_parse(&rig.x.service.settings, "fuzz", slice_of(text), &errmsg) == TOK_OK);
    rig.x.names.issuer = strdup("https://jwt.example");
    rig.x.public_dir = rig.dir;
    (void)snprintf(store, sizeof(store), "%s/store", rig.dir);
    must(store_open(store, "", &rig.x.store, &errmsg) == TOK_OK);
    return 0;
}

static char *put_letters(char *at, struct slice bytes)
{
    base64url_encode(bytes, at);
    return at + BASE64URL_LEN(bytes.n);
}

/* Free it. */
static char *sign(struct slice payload)
{
    unsigned char signature[KEY_SIGNATURE_MAX];
    const struct slice header = SLICE("{\"alg\":\"EdDSA\"}");
    size_t n = key_sig_len(rig.key);
    char *token =
        malloc(BASE64URL_LEN(header.n) + BASE64URL_LEN(payload.n) + BASE64URL_LEN(n) + 3);
    char *at;

    must(token != NULL);
    at = put_letters(token, header);
    *at++ = '.';
    at = put_letters(at, payload);
    must(key_sign(rig.key, (struct slice){token, (size_t)(at - token)}, signature) == TOK_OK);
    *at++ = '.';
    at = put_letters(at, (struct slice){(const char *)signature, n});
    *at = '\0';
    return token;
}

static bool has(struct json_object *value, const char *want)
{
    size_t n =
        json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;

    for (size_t i = 0; i < n; i++)
        if (has(json_object_array_get_idx(value, i), want))
            return true;
    return json_object_is_type(value, json_type_string) &&
           strcmp(json_object_get_string(value), want) == 0;
}

/* As another reader of JSON sees the claims. */
static void may_be_exchanged(struct slice payload, const struct subject_token *s)
{
    struct json_tokener *reader = json_tokener_new();
    struct json_object *claims, *one_time = NULL;

    must(reader != NULL);
    claims = json_tokener_parse_ex(reader, payload.p, (int)payload.n);
    must(json_object_is_type(claims, json_type_object));
    must(has(json_object_object_get(claims, "iss"), ISSUER));
    must(has(json_object_object_get(claims, "aud"), "jwt-login"));
    must(!has(json_object_object_get(claims, "scope"), "pam:sudo"));
    must(!json_object_object_get(claims, "cnf"));
    must(!json_object_object_get_ex(claims, "one_time", &one_time) ||
         !json_object_get_boolean(one_time));
    must(json_object_get_double(json_object_object_get(claims, "exp")) >= NOW - 5);
    must(username_valid(slice_of(s->user)) && strcmp(s->user, "root") != 0);
    json_object_put(claims);
    json_tokener_free(reader);
}

static void verify_subject(struct slice token, bool ours, struct slice payload)
{
    struct subject_token s, again;
    enum wire_status status = subject_token_verify(&rig.x, token, &s);

    must(status != WIRE_OK || ours);
    must(status == WIRE_OK || s.errmsg.text[0] || status == WIRE_UNAVAILABLE);
    must(subject_token_verify(&rig.x, token, &again) == status);
    if (status != WIRE_OK)
        return;
    may_be_exchanged(payload, &s);
    must(memcmp(s.id, again.id, sizeof(s.id)) == 0 && s.exp == again.exp);
    must(strcmp(s.issuer, ISSUER) == 0 && !s.session);
}

static void read_request(struct slice in)
{
    static const char *const names[] = {"grant_type", "subject_token", "subject_token_type"};
    bool form = take_byte(&in) == 'F';
    struct body_field fields[] = {
        {.name = names[0]},
        {.name = names[1], .trim = true},
        {.name = names[2]},
        {.name = "scope", .kind = BODY_WORDS, .optional = true, .trim = true},
        {.name = "audience", .kind = BODY_NAMES, .optional = true, .trim = true},
        {.name = "resource", .kind = BODY_NAMES, .optional = true},
    };
    const size_t n = sizeof(fields) / sizeof(fields[0]);
    CLEANUP(body_clear) struct body body = {0};
    CLEANUP(cleanup_free) char *copy = exact_copy(in);

    if (body_read(form ? SLICE("application/x-www-form-urlencoded") : SLICE("application/json"),
                  (struct slice){copy, in.n}, fields, n, &body) != BODY_GOOD)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct body_field *f = &fields[i];
        struct slice room = secret_slice(&body.room);

        must(f->given || f->optional);
        must(!f->given || (f->value.n > 0 && !memchr(f->value.p, '\0', f->value.n)));
        must(f->value.n == 0 ||
             (f->value.p >= copy && f->value.p + f->value.n <= copy + in.n) ||
             (f->value.p >= room.p && f->value.p + f->value.n <= room.p + room.n));
    }
    verify_subject(fields[1].value, false, in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    CLEANUP(cleanup_free) char *token = NULL;
    unsigned kind = take_byte(&in);

    if (kind == 'R') {
        read_request(in);
    } else if (kind == 'S') {
        token = sign(in);
        verify_subject(slice_of(token), true, in);
    } else {
        token = exact_copy(in);
        verify_subject((struct slice){token, in.n}, false, in);
    }
    return 0;
}
