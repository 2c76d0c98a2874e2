#include "common/token/host_key.h"

#include "common/base/base64url.h"
#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/text.h"

#include <glob.h>
#include <openssl/evp.h>
#include <string.h>

#define FILES_MAX 16
#define FILE_MAX 4096 /* bytes; the line of an RSA key of 16,384 bits has about 2,800 */
#define SUFFIX ".pub"
#define FINGERPRINT_LEN BASE64URL_LEN(32) /* of SHA-256 */

bool host_key_is_valid(struct slice text)
{
    return text.n == HOST_KEY_LEN && base64url_is_text(text);
}

/* From the alphabet of base64 to that of base64url. */
static char to_url(char c)
{
    return c == '+' ? '-' : c == '/' ? '_' : c;
}

bool host_key_read(struct slice text, char ret[HOST_KEY_LEN + 1])
{
    const struct slice prefix = SLICE("SHA256:");
    char key[HOST_KEY_LEN + 1] = "";

    if (text.n == prefix.n + FINGERPRINT_LEN && memcmp(text.p, prefix.p, prefix.n) == 0)
        text = (struct slice){text.p + prefix.n, HOST_KEY_LEN};
    if (text.n != HOST_KEY_LEN)
        return false;
    for (size_t i = 0; i < HOST_KEY_LEN; i++)
        key[i] = to_url(text.p[i]);
    if (!host_key_is_valid(slice_of(key)))
        return false;
    memcpy(ret, key, sizeof(key));
    return true;
}

bool host_key_split(struct slice audience, struct slice *ret_audience, struct slice *ret_key)
{
    const char *mark = audience.n > 0 ? memrchr(audience.p, '#', audience.n) : NULL;
    size_t n;

    if (!mark)
        return false;
    n = (size_t)(mark - audience.p);
    *ret_audience = (struct slice){audience.p, n};
    *ret_key = slice_skip(audience, n + 1);
    return true;
}

/* The files that the pattern matches, and the key that is looked for in them. */
struct host_keys {
    const char *pattern;
    struct slice wanted;
    bool any;                   /* every key is looked for */
    char key[HOST_KEY_LEN + 1]; /* the one read last */
    OSSL_LIB_CTX *ctx;
    glob_t files;
    size_t usable;
    bool failed;           /* a file could not be read: it may hold the key */
    struct errmsg skipped; /* about the last file that was not used */
};

static void host_keys_clear(struct host_keys *h)
{
    globfree(&h->files);
    OSSL_LIB_CTX_free(h->ctx);
}

static enum tok_err list_files(struct host_keys *h, struct errmsg *errmsg)
{
    int rc = glob(h->pattern, GLOB_NOSORT, NULL, &h->files);

    if (rc != 0 && rc != GLOB_NOMATCH)
        return errmsg_set(errmsg, TOK_FILE, "host_keys=%s: cannot list the files", h->pattern);
    if (h->files.gl_pathc > FILES_MAX)
        return errmsg_set(errmsg, TOK_FILE, "host_keys=%s: matches %zu files; the limit is %d",
                          h->pattern, h->files.gl_pathc, FILES_MAX);
    return TOK_OK;
}

/* True for an error of file_read() that is a property of the file. */
static bool does_not_count(int error)
{
    return error == EPERM || error == EINVAL || error == ELOOP || error == ENOTDIR ||
           error == ENOENT || error == EFBIG;
}

/* *ret: the private key is beside its public one. */
static enum tok_err find_private(struct host_keys *h, const char *path, bool *ret)
{
    struct slice name = slice_of(path);
    CLEANUP(cleanup_free) char *private = NULL;
    struct stat st;
    enum tok_err err;

    *ret = false;
    if (!text_ends_with(name, SUFFIX))
        return TOK_OK;
    name.n -= strlen(SUFFIX);
    err = text_copy(name, &private);
    if (err)
        return err;
    *ret = lstat(private, &st) == 0;
    h->failed = h->failed || (!*ret && errno != ENOENT);
    return TOK_OK;
}

/* The key blob of a line "TYPE BASE64 COMMENT" (sshd(8)), which begins with the length and the
 * bytes of TYPE (RFC 4253 6.6). ret has room for FILE_MAX bytes. */
static bool read_blob(struct slice line, char *ret, size_t *ret_n)
{
    UNINITIALIZED char text[FILE_MAX];
    struct slice type, word, rest;

    (void)slice_cut(line, '\n', &line, &rest);
    if (!text_next_word(&line, ' ', &type) || !text_next_word(&line, ' ', &word))
        return false;
    while (word.n > 0 && word.p[word.n - 1] == '=')
        word.n--;
    for (size_t i = 0; i < word.n; i++)
        text[i] = to_url(word.p[i]);
    return base64url_decode((struct slice){text, word.n}, ret, FILE_MAX, ret_n) == TOK_OK &&
           *ret_n > 4 + type.n && type.n <= UINT8_MAX && memcmp(ret, "\0\0", 3) == 0 &&
           (uint8_t)ret[3] == type.n && memcmp(ret + 4, type.p, type.n) == 0;
}

/* *ret: the text holds the key that is looked for. */
static enum tok_err compare(struct host_keys *h, const char *path, struct slice text, bool *ret)
{
    UNINITIALIZED char blob[FILE_MAX];
    char name[BASE64URL_LEN(EVP_MAX_MD_SIZE)];
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t n;

    if (!read_blob(text, blob, &n)) {
        (void)errmsg_set(&h->skipped, TOK_FILE, "%s: is not a public key of ssh-keygen", path);
        return TOK_OK;
    }
    if (EVP_Q_digest(h->ctx, "SHA256", NULL, blob, n, digest, &n) != 1)
        return TOK_CRYPTO;
    base64url_encode((struct slice){(const char *)digest, n}, name);
    h->usable++;
    memcpy(h->key, name, HOST_KEY_LEN);
    *ret = h->any || slice_eq(h->wanted, slice_of(h->key));
    return TOK_OK;
}

static enum tok_err check_file(struct host_keys *h, const char *path, bool *ret)
{
    CLEANUP(secret_clear) struct secret text = {0};
    bool private;
    enum tok_err err = file_read(path, FILE_NO_LINKS, FILE_MAX, &text, &h->skipped);

    if (err == TOK_FILE) {
        h->failed = h->failed || !does_not_count(errno);
        return TOK_OK;
    }
    if (!err)
        err = find_private(h, path, &private);
    if (err)
        return err;
    if (private)
        return compare(h, path, secret_slice(&text), ret);
    (void)errmsg_set(&h->skipped, TOK_FILE, "%s: there is no private key beside it", path);
    return TOK_OK;
}

static enum tok_err not_found(const struct host_keys *h, struct errmsg *errmsg)
{
    const char *skipped = h->skipped.text;

    if (h->usable == 0 || h->failed)
        return errmsg_set(errmsg, TOK_FILE, "host_keys=%s: cannot read the SSH keys: %s",
                          h->pattern, *skipped ? skipped : "no such file");
    return errmsg_set(errmsg, TOK_HOST_KEY,
                      "claim \"aud\": bound to another SSH key than those in %s%s%s",
                      h->pattern, *skipped ? "; not used: " : "", skipped);
}

static enum tok_err find_key(struct host_keys *h, struct errmsg *errmsg)
{
    enum tok_err err = h->ctx ? list_files(h, errmsg) : TOK_NO_MEMORY;
    bool found = false;

    for (size_t i = 0; !err && !found && i < h->files.gl_pathc; i++)
        err = check_file(h, h->files.gl_pathv[i], &found);
    if (err || found)
        return err;
    return not_found(h, errmsg);
}

enum tok_err host_key_check(const char *pattern, struct slice key, struct errmsg *errmsg)
{
    CLEANUP(host_keys_clear)
    struct host_keys h = {.pattern = pattern, .wanted = key, .ctx = OSSL_LIB_CTX_new()};

    return find_key(&h, errmsg);
}

enum tok_err host_key_any(const char *pattern, char ret[HOST_KEY_LEN + 1],
                          struct errmsg *errmsg)
{
    CLEANUP(host_keys_clear)
    struct host_keys h = {.pattern = pattern, .any = true, .ctx = OSSL_LIB_CTX_new()};
    enum tok_err err = find_key(&h, errmsg);

    if (!err)
        memcpy(ret, h.key, sizeof(h.key));
    return err;
}
