/*
 * A whole login, from the answer at "Password: " to pam_end, by the real libpam and the real
 * module, with keys, an issuer and a list that the harness makes. The first letter says what
 * the bytes are: S, a payload that the harness signs; N, likewise, in a stack with
 * ignore_non_token; anything else, the answer itself. Beyond "no crash, no leak":
 *
 * - nothing that was not signed is accepted, and an accepted token names the user, the issuer
 * and the audience
 * - PAM_IGNORE is returned only with ignore_non_token, and only for what does not look like a
 * token
 * - an accepted token leaves JWT_EXP for the next phase, a refused one nothing
 * - no log line and no message contains the answer
 */
#include "common/base/base64url.h"
#include "common/jose/jws.h"
#include "common/jose/key.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/log.h"

#include <dlfcn.h>
#include <json-c/json.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER "nobody"
#define ISSUER "https://jwt.example"
#define AUDIENCE "host.example"
#define IGNORED PAM_MODULE_UNKNOWN /* how the module's PAM_IGNORE shows in these stacks */
#define SECRET_MIN 24              /* letters of an answer that no sentence holds by chance */

int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct {
    char dir[64];
    struct key *key;
    const char *answer;
} rig;

static void holds_no_answer(const char *line)
{
    must(strlen(rig.answer) < SECRET_MIN || !strstr(line, rig.answer));
}

void fuzz_log(const char *line)
{
    holds_no_answer(line);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, name);
    f = fopen(path, "we");
    must(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, 0644) == 0);
}

static void write_stack(const char *name, const char *more)
{
    char text[1024], options[512];

    (void)snprintf(options, sizeof(options),
                   FUZZ_MODULE " keys=%s/jwks issuer=" ISSUER " audience=" AUDIENCE
                               " revoked=%s/revoked config=%s/none "
                               "max_lifetime=3650d %s",
                   rig.dir, rig.dir, rig.dir, more);
    (void)snprintf(text, sizeof(text),
                   "auth [success=done ignore=ignore default=die] %s\n"
                   "auth required pam_debug.so auth=module_unknown\n"
                   "account [success=done ignore=ignore default=die] %s\n"
                   "account required pam_debug.so acct=module_unknown\n",
                   options, options);
    write_file(name, text);
}

static void remove_files(void)
{
    static const char *const names[] = {"jwks", "revoked", "strict", "lenient", "none", ""};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", rig.dir, names[i]);
        (void)remove(path);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CLEANUP(cleanup_free) char *jwk = NULL;
    char set[1024];

    (void)argc;
    (void)argv;
    /* Loaded once for all: libFuzzer counts in its pages until the end. */
    must(dlopen(FUZZ_MODULE, RTLD_NOW | RTLD_NODELETE) != NULL);
    (void)snprintf(rig.dir, sizeof(rig.dir), "/tmp/fuzz-authenticate.XXXXXX");
    must(mkdtemp(rig.dir) != NULL && chmod(rig.dir, 0755) == 0);
    must(atexit(remove_files) == 0);
    must(key_generate(NULL, alg_find(SLICE("EdDSA")), &rig.key) == TOK_OK);
    must(key_public_jwk(rig.key, &jwk) == TOK_OK);
    (void)snprintf(set, sizeof(set), "{\"keys\":[%s]}", jwk);
    write_file("jwks", set);
    write_file("revoked", "");
    write_file("none", "");
    write_stack("strict", "");
    write_stack("lenient", "ignore_non_token");
    return 0;
}

static char *put_letters(char *at, struct slice bytes)
{
    base64url_encode(bytes, at);
    return at + BASE64URL_LEN(bytes.n);
}

/* A token whose claims are these bytes; free it. */
static char *sign(struct slice payload)
{
    unsigned char signature[KEY_SIGNATURE_MAX];
    struct slice kid = key_kid(rig.key);
    size_t n = key_sig_len(rig.key);
    char header[128];
    char *token, *at;

    (void)snprintf(header, sizeof(header),
                   "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}", (int)kid.n, kid.p);
    token =
        malloc(BASE64URL_LEN(strlen(header)) + BASE64URL_LEN(payload.n) + BASE64URL_LEN(n) + 3);
    must(token != NULL);
    at = put_letters(token, (struct slice){header, strlen(header)});
    *at++ = '.';
    at = put_letters(at, payload);
    must(key_sign(rig.key, (struct slice){token, (size_t)(at - token)}, signature) == TOK_OK);
    *at++ = '.';
    at = put_letters(at, (struct slice){(const char *)signature, n});
    *at = 0;
    return token;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret,
                    void *data)
{
    struct pam_response *answers = calloc((size_t)n, sizeof(*answers));

    (void)data;
    must(n == 1 && answers != NULL);
    if (messages[0]->msg_style == PAM_PROMPT_ECHO_OFF)
        answers[0].resp = strdup(rig.answer);
    else
        holds_no_answer(messages[0]->msg);
    *ret = answers;
    return PAM_SUCCESS;
}

static void no_delay(int status, unsigned usec, void *data)
{
    (void)status;
    (void)usec;
    (void)data;
}

static bool is_text(const struct json_object *object, const char *want)
{
    return json_object_is_type(object, json_type_string) &&
           strcmp(json_object_get_string((struct json_object *)object), want) == 0;
}

static bool is_among(struct json_object *audience, const char *want)
{
    if (!json_object_is_type(audience, json_type_array))
        return is_text(audience, want);
    for (size_t i = 0; i < json_object_array_length(audience); i++)
        if (is_text(json_object_array_get_idx(audience, i), want))
            return true;
    return false;
}

/* What has opened, as another reader of JSON sees it. */
static void may_open(struct slice payload)
{
    struct json_tokener *reader = json_tokener_new();
    struct json_object *claims;

    must(reader != NULL);
    claims = json_tokener_parse_ex(reader, payload.p, (int)payload.n);
    must(json_object_is_type(claims, json_type_object));
    must(is_text(json_object_object_get(claims, "sub"), USER));
    must(is_text(json_object_object_get(claims, "iss"), ISSUER));
    must(is_text(json_object_object_get(claims, "token_type"), "access"));
    must(is_among(json_object_object_get(claims, "aud"), AUDIENCE));
    must(json_object_get_int64(json_object_object_get(claims, "exp")) > 0);
    json_object_put(claims);
    json_tokener_free(reader);
}

static int login(const char *service)
{
    struct pam_conv conv = {converse, NULL};
    void (*const delay)(int, unsigned, void *) = no_delay;
    pam_handle_t *pamh = NULL;
    const void *item;
    int rc;

    must(pam_start_confdir(service, USER, &conv, rig.dir, &pamh) == PAM_SUCCESS);
    memcpy(&item, &delay, sizeof(item));
    must(pam_set_item(pamh, PAM_FAIL_DELAY, item) == PAM_SUCCESS);
    rc = pam_authenticate(pamh, 0);
    must((rc == PAM_SUCCESS) == (pam_getenv(pamh, "JWT_EXP") != NULL));
    if (rc == PAM_SUCCESS)
        must(pam_acct_mgmt(pamh, 0) == PAM_SUCCESS);
    must(pam_end(pamh, rc) == PAM_SUCCESS);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = {(const char *)data, size};
    CLEANUP(cleanup_free) char *answer = NULL;
    unsigned kind = take_byte(&in);
    bool ours = kind == 'S' || kind == 'N';
    bool lenient = kind == 'N' || kind == 'n';
    int rc;

    if (ours) {
        answer = sign(in);
    } else {
        answer = strndup(in.n ? in.p : "", in.n);
        must(answer != NULL);
    }
    rig.answer = answer;
    rc = login(lenient ? "lenient" : "strict");
    must(rc != PAM_SUCCESS || ours);
    must(rc != IGNORED || (lenient && !jws_is_shaped((struct slice){answer, strlen(answer)})));
    if (rc == PAM_SUCCESS)
        may_open(in);
    return 0;
}
