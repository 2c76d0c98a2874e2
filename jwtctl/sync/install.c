/*
 * sync-install: verifies what sync-fetch left in the spool, and replaces the files that decide
 * a login.
 *
 * The order is such that a crash after any step leaves a host that accepts no session that was
 * revoked before, and the next run completes it: the list, which for now keeps the unexpired
 * lines of the old one; the state, so that an older bundle is refused from now on; keys; names;
 * in a new epoch the list without the lines of the old epoch; the time of the bundle.
 */
#include "jwtctl/sync/sync.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <time.h>

static enum tok_err read_spooled_bundle(const struct sync_host *host, struct secret *ret,
                                        struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNC_SPOOL "/bundle");
    CLEANUP(revoked_close) struct revoked file = {.fd = -1};
    enum tok_err err = sync_open_spooled(host, path, BUNDLE_MAX, &file, errmsg);

    return err ? err : file_read_opened(path, file.fd, BUNDLE_MAX, ret, errmsg);
}

enum { FETCHED, OLD };

struct installation {
    const struct sync_host *host;
    const struct bundle *bundle;
    char digest[KEY_THUMBPRINT_LEN + 1]; /* of the list */
    struct revoked lists[2];             /* .fd is -1 when the list does not change */
    struct revoked_digest written;       /* by write_lists() */
    bool changed;                        /* other keys or names than before */
    struct errmsg *errmsg;
};

static enum tok_err write_lists(int fd, void *arg)
{
    struct installation *x = arg;

    return revoked_merge(x->lists, x->bundle->pruned_until, fd, &x->written);
}

/* Makes a private copy, which has no name when this returns: the spool is read once. */
static enum tok_err copy_spooled_list(struct installation *x)
{
    CLEANUP(cleanup_free) char *path = sync_path(x->host, SYNC_SPOOL "/revoked");
    CLEANUP(cleanup_free) char *copy = sync_path(x->host, SYNC_STATE_DIR "/fetched");
    struct revoked *list = &x->lists[FETCHED];
    enum tok_err err = sync_open_spooled(x->host, path, SYNC_LIST_MAX, list, x->errmsg);

    if (!err)
        err = file_replace(copy, 0600, write_lists, x, x->errmsg);
    if (err == TOK_LIST || (!err && (list->size % REVOKED_LINE_LEN != 0 ||
                                     !revoked_digest_equal(&x->written, &x->bundle->revoked))))
        err = errmsg_set(x->errmsg, TOK_LIST,
                         "%s: is not the list that the bundle describes (SHA-256)", path);
    revoked_close(list);
    if (!err)
        err = revoked_open(copy, FILE_PRIVATE, list, x->errmsg);
    (void)unlink(copy);
    return err;
}

static enum tok_err replace_list(struct installation *x)
{
    CLEANUP(cleanup_free) char *path = sync_path(x->host, POLICY_REVOKED);
    enum tok_err err = file_replace(path, 0644, write_lists, x, x->errmsg);

    return err == TOK_LIST
               ? errmsg_set(x->errmsg, err, "%s: a line is malformed: remove the file", path)
               : err;
}

static enum tok_err install_list(struct installation *x)
{
    enum tok_err err;

    if (sync_list_is_current(x->host, x->bundle))
        return TOK_OK;
    err = copy_spooled_list(x);
    if (err)
        return err;
    x->lists[OLD] = sync_installed_list(x->host);
    return replace_list(x);
}

static enum tok_err install_state(struct installation *x)
{
    const struct bundle *b = x->bundle;
    CLEANUP(cleanup_word_list) word_list keys = NULL;
    enum tok_err err = sync_trusted_keys(x->host, b, &keys);
    struct sync_state state = {.trust = x->host->settings.sync.trust,
                               .keys = keys,
                               .issuer = (char *)b->iss,
                               .epoch = (uint64_t)b->epoch,
                               .seq = (uint64_t)b->seq,
                               .revoked = x->digest};

    return err ? err : sync_state_write(x->host, &state, x->errmsg);
}

/* Replaces a public file that has another content. */
static enum tok_err publish_file(struct installation *x, const char *name, struct slice bytes)
{
    CLEANUP(cleanup_free) char *path = sync_path(x->host, name);

    if (sync_file_is(path, bytes))
        return TOK_OK;
    x->changed = true;
    return file_write(path, bytes, 0644, x->errmsg);
}

static enum tok_err install_keys(struct installation *x)
{
    CLEANUP(secret_clear) struct secret jwks = {0};
    enum tok_err err = bundle_jwks(x->bundle, &jwks);

    return err ? err : publish_file(x, POLICY_KEYS, secret_slice(&jwks));
}

/* Audience=, or the lower-cased host name. */
static enum tok_err audience_text(const struct installation *x, char **ret)
{
    char host[HOST_NAME_MAX + 1] = "";

    if (x->host->settings.sync.audience)
        return word_list_format(x->host->settings.sync.audience, ' ', ret);
    if (gethostname(host, sizeof(host) - 1) < 0 || !value_is_audience(slice_of(host)))
        return errmsg_set(x->errmsg, TOK_SETTINGS,
                          "the host name '%s' cannot be an audience: set Audience= in [Sync]",
                          host);
    for (char *c = host; *c; c++)
        *c = text_lower(*c);
    return text_copy(slice_of(host), ret);
}

static enum tok_err install_names(struct installation *x)
{
    CLEANUP(cleanup_free) char *audience = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    enum tok_err err = audience_text(x, &audience);

    if (err)
        return err;
    if (asprintf(&text, "Issuer=%s\nAudience=%s\n", x->bundle->iss, audience) < 0) {
        text = NULL;
        return TOK_NO_MEMORY;
    }
    return publish_file(x, POLICY_PINNED, slice_of(text));
}

static enum tok_err drop_old_lines(struct installation *x)
{
    if (x->lists[OLD].size == 0 || x->host->state.epoch == (uint64_t)x->bundle->epoch)
        return TOK_OK;
    revoked_close(&x->lists[OLD]);
    return replace_list(x);
}

static enum tok_err install_time(struct installation *x)
{
    CLEANUP(cleanup_free) char *path = sync_path(x->host, SYNCED_PATH);
    CLEANUP(cleanup_free) char *reset = sync_path(x->host, SYNC_RESET);
    const struct bundle *b = x->bundle;
    char text[VALUE_NAME_MAX + 128];
    enum tok_err err;

    (void)snprintf(text, sizeof(text),
                   "Bundle=%" PRId64 "\nEpoch=%" PRId64 "\nSeq=%" PRId64 "\nIssuer=%s\n",
                   b->iat, b->epoch, b->seq, b->iss);
    err = file_write(path, slice_of(text), 0644, x->errmsg);
    if (!err && unlink(reset) < 0 && errno != ENOENT)
        return errmsg_set(x->errmsg, TOK_FILE, "%s: cannot remove: %s", reset,
                          strerrordesc_np(errno));
    return err;
}

/* The issuer changes the epoch by one, by root's command. */
static enum tok_err check_order(const struct sync_host *host, const struct bundle *b,
                                struct errmsg *errmsg)
{
    const struct sync_state *s = &host->state;
    uint64_t epoch = (uint64_t)b->epoch, seq = (uint64_t)b->seq;

    if (!s->issuer || host->reset)
        return TOK_OK;
    if (epoch != s->epoch && epoch != s->epoch + 1)
        return errmsg_set(errmsg, TOK_NOT_YET,
                          "the bundle has epoch %" PRIu64 ", expected %" PRIu64 " or %" PRIu64
                          "; if the issuer was restored or rebuilt: jwtctl sync --reset",
                          epoch, s->epoch, s->epoch + 1);
    if (epoch == s->epoch && seq < s->seq)
        return errmsg_set(errmsg, TOK_EXPIRED,
                          "the bundle is older than the one installed before: seq %" PRIu64
                          ", expected at least %" PRIu64
                          "; if the issuer was restored: jwtctl sync --reset",
                          seq, s->seq);
    return TOK_OK;
}

static enum tok_err install_bundle(struct installation *x)
{
    static enum tok_err (*const steps[])(struct installation *) = {
        install_list, install_state, install_keys, install_names, drop_old_lines, install_time};
    enum tok_err err = check_order(x->host, x->bundle, x->errmsg);

    sync_digest_text(&x->bundle->revoked, x->digest);
    for (size_t i = 0; !err && i < sizeof(steps) / sizeof(steps[0]); i++)
        err = steps[i](x);
    revoked_close(&x->lists[FETCHED]);
    revoked_close(&x->lists[OLD]);
    if (!err && x->changed)
        sync_log(SYNC_NOTICE,
                 "keys or names replaced: issuer=%s epoch=%" PRId64 " seq=%" PRId64 " keys=%zu",
                 x->bundle->iss, x->bundle->epoch, x->bundle->seq, x->bundle->n_keys);
    return err;
}

/* What killed processes left behind. */
static void sweep(const struct sync_host *host)
{
    CLEANUP(cleanup_free) char *public_dir = sync_path(host, SYNC_PUBLIC_DIR);
    CLEANUP(cleanup_free) char *state_dir = sync_path(host, SYNC_STATE_DIR);

    file_sweep(public_dir);
    file_sweep(state_dir);
}

int main(int argc, char **argv)
{
    const char *root = sync_root_argument(argc, argv);
    CLEANUP(sync_clear) struct sync_host host = {0};
    CLEANUP(bundle_clear) struct bundle bundle = {0};
    CLEANUP(secret_clear) struct secret text = {0};
    struct errmsg errmsg = {""};
    struct installation x = {
        .host = &host, .bundle = &bundle, .lists = {{.fd = -1}, {.fd = -1}}, .errmsg = &errmsg};
    enum tok_err err;

    if (!root)
        return 2;
    err = sync_open(root, &host, &errmsg);
    if (!err)
        err = read_spooled_bundle(&host, &text, &errmsg);
    if (!err)
        err = sync_read_bundle(&host, secret_slice(&text), time(NULL), &bundle, &errmsg);
    if (!err) {
        sweep(&host);
        err = install_bundle(&x);
    }
    return sync_exit(err, &errmsg);
}
