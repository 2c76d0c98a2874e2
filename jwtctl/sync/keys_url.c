#include "jwtctl/sync/keys_url.h"

#include <stdio.h>

char *keys_url_spooled(const struct sync_host *host, const struct policy *issuer,
                       const char *prefix)
{
    char path[sizeof(SYNC_SPOOL) + 16 + SETTINGS_KEYS_NAME_MAX];

    (void)snprintf(path, sizeof(path), SYNC_SPOOL "/%s-%s", prefix,
                   issuer->keys + strlen(SETTINGS_KEYS_DIR));
    return sync_path(host, path);
}

int keys_url_main(int argc, char **argv, keys_url_fn *fn, void *arg)
{
    CLEANUP(sync_clear) struct sync_host host = {.root = sync_root_argument(argc, argv)};
    CLEANUP(cleanup_free) char *config = NULL;
    struct errmsg errmsg = {""};
    int status = EXIT_SUCCESS;

    if (!host.root)
        return 2;
    config = sync_path(&host, POLICY_CONFIG);
    if (settings_load(config, &host.settings, &errmsg) != TOK_OK)
        return sync_exit(TOK_SETTINGS, &errmsg);
    for (size_t i = 0; i < host.settings.n_issuers; i++) {
        const struct policy *issuer = &host.settings.issuers[i];
        enum tok_err err = issuer->keys_url ? fn(&host, issuer, arg, &errmsg) : TOK_OK;

        if (err)
            status = sync_exit(err, &errmsg);
        errmsg.text[0] = '\0';
    }
    return status;
}
