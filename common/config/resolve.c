#include "common/config/resolve.h"

#include "common/base/cleanup.h"
#include "common/base/timespan.h"

#include <string.h>

#define ISSUER_STATE_DIR "/var/lib/jwtd-issuer"

void resolve_clear(struct resolved *r)
{
    policy_clear(&r->policy);
    keyset_file_clear(&r->keys);
    usermap_clear(&r->map);
    if (r->list.fd >= 0)
        revoked_close(&r->list);
    *r = (struct resolved){.list.fd = -1};
}

enum tok_err resolve_settings(const struct resolve_params *params, struct settings *ret,
                              struct errmsg *errmsg)
{
    /* settings_load accepts a missing file, which only the default path may be. */
    if (params->config && access(params->config, F_OK) != 0) {
        (void)errmsg_set(errmsg, TOK_SETTINGS, "%s: %s", params->config, strerror(errno));
        return TOK_SETTINGS;
    }
    return settings_load(params->config ? params->config : POLICY_CONFIG, ret, errmsg);
}

const struct policy *resolve_section(const struct settings *settings,
                                     const struct parsed_token *token)
{
    char issuer[VALUE_NAME_MAX + 1];

    /* The local issuer's settings refuse a token without a readable iss. */
    if (settings->n_issuers == 0 || unverified_issuer(token, issuer) != TOK_OK)
        return NULL;
    return settings_find_issuer(settings, slice_of(issuer));
}

/* A token with another user or audience claim has no sub or aud: the default require= names
 * that claim instead. */
static enum tok_err require_instead(struct policy *p, const char *of, const char *name)
{
    enum tok_err err = TOK_OK;

    for (char **word = p->require; !err && word && *word && !policy_given(p, "require"); word++)
        if (strcmp(*word, of) == 0)
            err = text_replace(word, slice_of(name));
    return err;
}

static enum tok_err set_user_claim(struct policy *p, const char *name)
{
    enum tok_err err = require_instead(p, p->user_claim, name);

    return err ? err : text_replace(&p->user_claim, slice_of(name));
}

/* What the settings of the local issuer say: the names of its claims, the age of its bundle. */
static enum tok_err set_local(struct policy *p, const struct settings *settings)
{
    enum tok_err err = TOK_OK;

    if (!policy_given(p, "revoked_max_age"))
        p->revoked_max_age = (int64_t)(settings->token.revoked_max_age / SECOND);
    if (!policy_given(p, "user_claim"))
        err = set_user_claim(p, settings->token.user_id_claim);
    if (!err)
        err = text_replace(&p->token_type_claim, slice_of(settings->token.token_type_claim));
    return err ? err : text_replace(&p->jti_claim, slice_of(settings->token.jti_claim));
}

static const char *pinned_path(const struct resolve_params *params)
{
    return params->pinned ? params->pinned : POLICY_PINNED;
}

/* True when the pinned file names this issuer. An [Issuer] section may be the local issuer's
 * own; its revoked list is still searched, or a section that changes some other word would undo
 * every logout. */
static enum tok_err is_local(const struct resolve_params *params, const char *url, bool *ret,
                             struct errmsg *errmsg)
{
    CLEANUP(policy_clear) struct policy p = {0};
    const char *path = pinned_path(params);
    bool missing = access(path, F_OK) != 0 && errno == ENOENT;
    enum tok_err err = missing ? TOK_OK : policy_read_pinned(&p, path, errmsg);

    if (err)
        return err;
    *ret = p.issuer && strcmp(p.issuer, url) == 0;
    return TOK_OK;
}

static enum tok_err make_policy(const struct resolve_params *params,
                                const struct settings *settings, const struct policy *section,
                                struct resolved *r, struct errmsg *errmsg)
{
    bool local = true;
    enum tok_err err;

    err = section ? policy_copy(section, &r->policy) : policy_init(&r->policy);
    if (!err && section)
        err = is_local(params, section->issuer, &local, errmsg);
    r->foreign = !local;
    if (!err && local)
        err = set_local(&r->policy, settings);
    if (!err)
        err = policy_override(&r->policy, params->words);
    if (!err)
        err = require_instead(&r->policy, "aud", r->policy.audience_claim);
    return err ? err : policy_read_pinned(&r->policy, pinned_path(params), errmsg);
}

enum tok_err resolve_map(const char *user_map, enum file_trust trust, struct usermap *ret,
                         struct errmsg *errmsg)
{
    if (strcmp(user_map, "none") != 0)
        return usermap_load(user_map, trust == FILE_OWN ? FILE_OWN : FILE_SETTINGS, ret,
                            errmsg);
    *ret = (struct usermap){0};
    return TOK_OK;
}

/* The local issuer's users are local users. So are those of an issuer that is named by a word
 * and not by a section, unless a map is given as well. */
static enum tok_err load_map(const struct resolve_params *params, struct resolved *r,
                             struct errmsg *errmsg)
{
    bool local = !r->foreign;
    enum tok_err err;

    if (local && policy_given(&r->policy, "user_map")) {
        err = is_local(params, r->policy.issuer, &local, errmsg);
        if (err)
            return err;
    }
    if (local || strcmp(r->policy.user_map, "same") == 0)
        return TOK_OK;
    r->mapped = true;
    return resolve_map(r->policy.user_map, params->trust, &r->map, errmsg);
}

static bool wants_list(const struct resolve_params *params, const struct resolved *r)
{
    if (policy_given(&r->policy, "revoked"))
        return strcmp(r->policy.revoked, "none") != 0;
    if (params->keys_without_list && policy_given(params->words, "keys"))
        return false;
    return !r->foreign;
}

/* The issuing host receives no bundle: jwtd-issuer writes the files there. */
static bool is_issuing_host(const struct resolve_params *params)
{
    struct stat pinned, state;

    return lstat(pinned_path(params), &pinned) == 0 && lstat(ISSUER_STATE_DIR, &state) == 0 &&
           pinned.st_uid == state.st_uid && pinned.st_uid != 0;
}

static enum tok_err load_synced(const struct resolve_params *params, struct resolved *r,
                                struct errmsg *errmsg)
{
    const char *path = params->synced ? params->synced : SYNCED_PATH;
    struct synced synced;
    enum tok_err err = synced_read(path, &synced, errmsg);

    if (file_is_missing(err, errmsg)) {
        if (!is_issuing_host(params))
            return errmsg_set(errmsg, TOK_STALE,
                              "%s: no such file: revoked_max_age is set, and jwtctl sync has "
                              "installed nothing here; see jwtctl-sync(8)",
                              path);
        r->policy.revoked_max_age = 0;
        return TOK_OK;
    }
    if (err)
        return err == TOK_FILE ? TOK_STALE : err;
    if (strcmp(synced.issuer, r->policy.issuer) != 0)
        return errmsg_set(errmsg, TOK_STALE,
                          "%s: revoked_max_age is set for tokens of %s, and this is the bundle "
                          "of %s",
                          path, r->policy.issuer, synced.issuer);
    r->bundle = synced.bundle;
    return TOK_OK;
}

/* The key file of the settings may be a link; the public one in /var/lib/jwt may not. */
static enum file_trust keys_trust(const struct resolve_params *params, const struct policy *p)
{
    if (!policy_given(p, "keys"))
        return params->trust;
    return params->trust == FILE_OWN ? FILE_OWN_KEYS : FILE_KEYS;
}

static enum tok_err load_files(const struct resolve_params *params, struct resolved *r,
                               struct errmsg *errmsg)
{
    const struct policy *p = &r->policy;
    const struct keyset *keys;
    enum tok_err err;

    r->keys.from =
        (struct keyset_source){params->ctx, p->keys, keys_trust(params, p), p->algorithms};
    err = keyset_file_get(&r->keys, &keys, errmsg);
    if (!err)
        err = load_map(params, r, errmsg);
    if (!err && wants_list(params, r))
        err = revoked_open(p->revoked, params->trust, &r->list, errmsg);
    if (!err && r->list.fd >= 0 && p->revoked_max_age > 0)
        err = load_synced(params, r, errmsg);
    return err;
}

enum tok_err resolve_load(const struct resolve_params *params, const struct settings *settings,
                          const struct policy *section, struct resolved *ret,
                          struct errmsg *errmsg)
{
    struct resolved r = {.list.fd = -1};
    enum tok_err err = make_policy(params, settings, section, &r, errmsg);

    if (!err)
        err = load_files(params, &r, errmsg);
    if (!err) {
        *ret = r;
        return TOK_OK;
    }
    resolve_clear(&r);
    /* These two have no sentence with a file's name. */
    if (err == TOK_NO_MEMORY || err == TOK_CRYPTO)
        return errmsg_set(errmsg, err, "%s", tok_err_text(err));
    return err;
}

enum tok_err resolve_token(const struct resolve_params *params,
                           const struct parsed_token *token, struct resolved *ret,
                           struct errmsg *errmsg)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    enum tok_err err = resolve_settings(params, &settings, errmsg);

    if (err)
        return err;
    return resolve_load(params, &settings, resolve_section(&settings, token), ret, errmsg);
}

enum tok_err resolve_verify(struct resolved *r, const struct parsed_token *token,
                            const struct policy_params *check, struct verify_result *ret,
                            struct errmsg *errmsg)
{
    struct verify_params params = {
        .token = token,
        .policy = &r->policy,
        .list = r->list.fd >= 0 ? &r->list : NULL,
        .check = *check,
    };
    enum tok_err err = keyset_file_get(&r->keys, &params.keys, errmsg);

    *ret = (struct verify_result){0};
    if (err)
        return err;
    params.check.map = r->mapped ? &r->map : NULL;
    err = verify_token(&params, ret, errmsg);
    if (err || r->list.fd < 0 || r->policy.revoked_max_age == 0)
        return err;
    return synced_check(r->bundle, r->policy.revoked_max_age, check->now, errmsg);
}
