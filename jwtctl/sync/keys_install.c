/*
 * sync-keys-install: reads the key sets in the spool, and writes the public keys that can be
 * used, and nothing else, to the files of Keys=. A set without any changes nothing.
 */
#include "common/jose/keyset.h"
#include "jwtctl/sync/keys_url.h"

#include <stdio.h>

/* The set in the form in which we write it. */
static enum tok_err write_set(const struct keyset *set, char **ret)
{
    CLEANUP(cleanup_free) char *text = NULL;
    enum tok_err err = text_copy(SLICE("{\"keys\":["), &text);

    for (size_t i = 0; !err && i < keyset_size(set); i++) {
        CLEANUP(cleanup_free) char *before = text;
        CLEANUP(cleanup_free) char *jwk = NULL;

        text = NULL;
        err = key_public_jwk(keyset_at(set, i), &jwk);
        if (!err)
            err = text_concat(before, i > 0 ? ",\n" : "\n", jwk, &text);
    }
    return err ? err : text_concat(text, "\n]}\n", "", ret);
}

static enum tok_err read_spooled(const struct sync_host *host, const struct policy *issuer,
                                 struct keyset **ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = keys_url_spooled(host, issuer, "keys");
    CLEANUP(secret_clear) struct secret text = {0};
    CLEANUP(revoked_close) struct revoked file = {.fd = -1};
    struct errmsg in_set = {""};
    enum tok_err err = sync_open_spooled(host, path, KEYS_URL_MAX, &file, errmsg);

    if (!err)
        err = file_read_opened(path, file.fd, KEYS_URL_MAX, &text, errmsg);
    if (err)
        return err;
    /* Secrets are never fetched. */
    err = keyset_parse(NULL, secret_slice(&text), issuer->algorithms & alg_set_default(), ret,
                       &in_set);
    return err ? errmsg_set(errmsg, err, "%s: the fetched key set is not used: %s",
                            issuer->issuer, in_set.text[0] ? in_set.text : tok_err_text(err))
               : TOK_OK;
}

static enum tok_err install_keys(const struct sync_host *host, const struct policy *issuer,
                                 void *arg, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, issuer->keys);
    CLEANUP(cleanup_keyset) struct keyset *set = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    enum tok_err err = read_spooled(host, issuer, &set, errmsg);
    bool changed;

    if (file_is_missing(err, errmsg)) /* not fetched; sync-keys-fetch logged why */
        return TOK_OK;
    if (!err)
        err = write_set(set, &text);
    if (err)
        return err;
    changed = !sync_file_is(path, slice_of(text));
    /* Also an unchanged one: its time shows when the keys were fetched last. */
    err = file_write(path, slice_of(text), 0644, errmsg);
    if (!err && changed)
        sync_log(SYNC_NOTICE, "keys replaced: issuer=%s keys=%zu", issuer->issuer,
                 keyset_size(set));
    return err;
}

int main(int argc, char **argv)
{
    return keys_url_main(argc, argv, install_keys, NULL);
}
