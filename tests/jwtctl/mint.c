/*
 * Makes keys and tokens for the tests, whatever they hold.
 *
 *     mint new PRIVATE PUBLIC       a private JWK and a set of its public half
 *     mint sign PRIVATE PAYLOAD     the token of this payload; header alg, typ, kid
 *     mint sign PRIVATE PAYLOAD HEADER
 */
#include "common/base/base64url.h"
#include "common/base/file.h"
#include "common/jose/key.h"

#include <stdio.h>
#include <string.h>

static int make(const char *private_path, const char *public_path)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(secret_clear) struct secret jwk = {0};
    CLEANUP(cleanup_free) char *public = NULL;
    CLEANUP(cleanup_free) char *set = NULL;
    int n;

    if (key_generate(NULL, alg_find(SLICE("EdDSA")), &key) || key_private_jwk(key, &jwk) ||
        key_public_jwk(key, &public))
        return EXIT_FAILURE;
    n = asprintf(&set, "{\"keys\":[%s]}\n", public);
    if (n < 0 || file_write(private_path, secret_slice(&jwk), 0600, NULL) ||
        file_write(public_path, (struct slice){set, (size_t)n}, 0644, NULL))
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}

static enum tok_err read_key(const char *path, struct key **ret)
{
    CLEANUP(secret_clear) struct secret text = {0};
    struct errmsg errmsg = {""};
    enum tok_err err;

    err = file_read(path, FILE_PRIVATE, 4096, &text, &errmsg);
    if (!err)
        err = key_from_jwk(NULL, secret_slice(&text), KEY_PRIVATE, ret, &errmsg);
    if (err)
        fprintf(stderr, "mint: %s\n", errmsg.text);
    return err;
}

static int sign(const char *path, const char *payload, const char *header)
{
    CLEANUP(cleanup_key) struct key *key = NULL;
    CLEANUP(cleanup_free) char *token = NULL;
    char standard[256], signature[KEY_SIGNATURE_MAX], *end;
    size_t n, signature_len;

    if (read_key(path, &key))
        return EXIT_FAILURE;
    (void)snprintf(standard, sizeof(standard),
                   "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"%.*s\"}", (int)key_kid(key).n,
                   key_kid(key).p);
    header = header ? header : standard;
    n = BASE64URL_LEN(strlen(header)) + 1 + BASE64URL_LEN(strlen(payload));
    signature_len = key_sig_len(key);
    token = calloc(1, n + 1 + BASE64URL_LEN(signature_len) + 1);
    if (!token)
        return EXIT_FAILURE;
    base64url_encode((struct slice){header, strlen(header)}, token);
    end = token + BASE64URL_LEN(strlen(header));
    *end++ = '.';
    base64url_encode((struct slice){payload, strlen(payload)}, end);
    if (key_sign(key, (struct slice){token, n}, signature))
        return EXIT_FAILURE;
    token[n] = '.';
    base64url_encode((struct slice){signature, signature_len}, token + n + 1);
    puts(token);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "new") == 0)
        return make(argv[2], argv[3]);
    if ((argc == 4 || argc == 5) && strcmp(argv[1], "sign") == 0)
        return sign(argv[2], argv[3], argv[4]);
    fputs("usage: mint new PRIVATE PUBLIC | sign PRIVATE PAYLOAD [HEADER]\n", stderr);
    return EXIT_FAILURE;
}
