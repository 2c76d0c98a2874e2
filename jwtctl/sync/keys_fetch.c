/*
 * sync-keys-fetch: fetches the key sets of other issuers over TLS into the spool. What an
 * issuer or a network can send is limited here; sync-keys-install decides what is used.
 */
#include "common/json/json.h"
#include "jwtctl/sync/http.h"
#include "jwtctl/sync/keys_url.h"

#include <stdio.h>
#include <time.h>

#define AGAIN 300 /* seconds between two attempts */
#define DISCOVERY "/.well-known/openid-configuration"
#define DISCOVERY_MAX ((size_t)64 << 10)
#define DISCOVERY_MEMBERS 256

/* The body of one answer. */
struct fetched {
    CURL *curl;
    char error[CURL_ERROR_SIZE];
    char body[KEYS_URL_MAX];
    size_t n, max;
};

static size_t receive_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct fetched *f = arg;

    if (size * n > f->max - f->n)
        return 0;
    memcpy(f->body + f->n, bytes, size * n);
    f->n += size * n;
    return size * n;
}

static enum tok_err get(struct fetched *f, const char *url, size_t max, struct errmsg *errmsg)
{
    long status = 0;
    CURLcode code;

    f->n = 0;
    f->max = max;
    f->error[0] = '\0';
    code = curl_easy_setopt(f->curl, CURLOPT_URL, url);
    if (!code)
        code = curl_easy_perform(f->curl);
    if (code == CURLE_WRITE_ERROR)
        return errmsg_set(errmsg, TOK_KEYS, "%s: more than %zu bytes", url, max);
    if (code)
        return errmsg_set(errmsg, TOK_KEYS, "%s: %s", url,
                          f->error[0] ? f->error : curl_easy_strerror(code));
    (void)curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
    return status == 200
               ? TOK_OK
               : errmsg_set(errmsg, TOK_KEYS, "%s: status %ld; expected 200%s", url, status,
                            status / 100 == 3 ? ": redirects are not followed" : "");
}

/* OpenID Connect Discovery 1.0, 4. */
static enum tok_err discover(struct fetched *f, const char *issuer,
                             char ret[VALUE_NAME_MAX + 1], struct errmsg *errmsg)
{
    struct scan_member members[DISCOVERY_MEMBERS];
    const struct scan_value *name, *keys;
    CLEANUP(cleanup_free) char *url = http_url(issuer, DISCOVERY);
    struct scan_fault fault;
    enum tok_err err;
    size_t n;

    if (!url)
        return TOK_NO_MEMORY;
    err = get(f, url, DISCOVERY_MAX, errmsg);
    if (err)
        return err;
    if (scan_object((struct slice){f->body, f->n}, members, DISCOVERY_MEMBERS, &n, &fault))
        return errmsg_set(errmsg, TOK_KEYS, "%s: expected a JSON object: %s at byte %zu", url,
                          fault.what, fault.at);
    name = scan_find(members, n, SLICE("issuer"));
    keys = scan_find(members, n, SLICE("jwks_uri"));
    if (!name || !scan_string_is_text(name, issuer))
        return errmsg_set(errmsg, TOK_KEYS, "%s: \"issuer\" is not %s", url, issuer);
    if (!keys || scan_string(*keys, ret, VALUE_NAME_MAX, &n) ||
        !value_is_https_url((struct slice){ret, n}))
        return errmsg_set(errmsg, TOK_KEYS, "%s: \"jwks_uri\": expected " VALUE_HTTPS_URL_FORM,
                          url);
    ret[n] = '\0';
    return TOK_OK;
}

/* Records the attempt in the spool. *ret_due is false when there was one in the last AGAIN
 * seconds, with this setting. */
static enum tok_err begin_attempt(const char *path, const struct policy *issuer, bool *ret_due,
                                  struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret old = {0};
    CLEANUP(cleanup_free) char *text = NULL;
    struct stat st;
    enum tok_err err = text_concat(issuer->issuer, " ", issuer->keys_url, &text);

    if (err)
        return err;
    *ret_due = file_read(path, FILE_PUBLIC, strlen(text), &old, NULL) != TOK_OK ||
               !slice_is(secret_slice(&old), text) || stat(path, &st) < 0 ||
               time(NULL) - st.st_mtime >= AGAIN || st.st_mtime > time(NULL);
    return *ret_due ? file_write(path, slice_of(text), 0644, errmsg) : TOK_OK;
}

static enum tok_err fetch_keys(const struct sync_host *host, const struct policy *issuer,
                               void *arg, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *tried = keys_url_spooled(host, issuer, "tried");
    CLEANUP(cleanup_free) char *path = keys_url_spooled(host, issuer, "keys");
    char discovered[VALUE_NAME_MAX + 1];
    const char *url = issuer->keys_url;
    struct fetched *f = arg;
    bool due;
    enum tok_err err = begin_attempt(tried, issuer, &due, errmsg);

    if (err || !due)
        return err;
    (void)unlink(path); /* fetched before, and installed */
    if (strcmp(url, POLICY_DISCOVER) == 0) {
        err = discover(f, issuer->issuer, discovered, errmsg);
        url = discovered;
    }
    if (!err)
        err = get(f, url, KEYS_URL_MAX, errmsg);
    return err ? err : file_write(path, (struct slice){f->body, f->n}, 0644, errmsg);
}

int main(int argc, char **argv)
{
    static struct fetched f;
    int status = EXIT_FAILURE;

    f.curl = http_open("https", f.error);
    if (f.curl && !curl_easy_setopt(f.curl, CURLOPT_TIMEOUT, HTTP_SECONDS) &&
        !curl_easy_setopt(f.curl, CURLOPT_WRITEFUNCTION, receive_body) &&
        !curl_easy_setopt(f.curl, CURLOPT_WRITEDATA, &f))
        status = keys_url_main(argc, argv, fetch_keys, &f);
    curl_easy_cleanup(f.curl);
    return status;
}
