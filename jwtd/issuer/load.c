#include "jwtd/issuer/load.h"

#include "common/base/file.h"
#include "jwtd/issuer/fleet_keys.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/keys/publish.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/shared/messages.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <systemd/sd-id128.h>

#define JWTD_ISSUER_ID                                                                         \
    SD_ID128_MAKE(4a, d7, 09, 9a, 98, 28, 40, f2, 9c, 28, 79, 76, 1d, c3, e4, e4)

/* What cannot be accessed is not missing: reading it will fail, with a message. */
static bool is_missing(const char *path)
{
    return access(path, F_OK) < 0 && errno == ENOENT;
}

static enum tok_err create_keys(const struct issuer *x, int state_fd, struct errmsg *errmsg)
{
    enum tok_err err = keys_create(x->keys_dir, x->service.settings.token.algorithm, errmsg);

    if (err != TOK_OK)
        return err;
    if (fsync(state_fd) < 0)
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", x->state_dir, strerrordesc_np(errno));
    LOG(LOG_NOTICE, MESSAGE_KEYS, "Signing key created", {"directory", x->keys_dir});
    return TOK_OK;
}

/* The file `machine` has the application-specific id of /etc/machine-id, of the machine that
 * the keys belong to; in a copy of the machine, or of the directory, that of the first one.
 * Without a machine-id nothing is known. */
static enum tok_err check_machine(struct issuer *x, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(secret_clear) struct secret recorded = {0};
    char text[SD_ID128_STRING_MAX];
    sd_id128_t id;
    enum tok_err err = text_concat(x->state_dir, "/machine", "", &path);

    if (err != TOK_OK || sd_id128_get_machine_app_specific(JWTD_ISSUER_ID, &id) < 0)
        return err;
    (void)sd_id128_to_string(id, text);
    err = file_read(path, FILE_PRIVATE, sizeof(text), &recorded, errmsg);
    if (file_is_missing(err, errmsg))
        return file_write(path, slice_of(text), 0600, errmsg);
    if (err == TOK_OK)
        x->is_copy = !slice_is(secret_slice(&recorded), text);
    return err;
}

/* Keys that are missing beside a store were lost: a new key would refuse every token there is,
 * without a visible reason. */
static enum tok_err load_keys(struct issuer *x, const char *store_path, int state_fd,
                              struct errmsg *errmsg)
{
    bool no_keys = is_missing(x->keys_dir);
    enum tok_err err = TOK_OK;

    if (no_keys && !store_is_shared(store_path) && !is_missing(store_path))
        return errmsg_set(errmsg, TOK_KEYS,
                          "keys missing: %s does not exist, but %s does: restore the keys "
                          "from a backup, or move the store away to start with a new key",
                          x->keys_dir, store_path);
    if (no_keys)
        err = create_keys(x, state_fd, errmsg);
    if (err == TOK_OK)
        err = check_machine(x, errmsg);
    if (err == TOK_OK && x->is_copy)
        LOG(LOG_WARNING, MESSAGE_COPY,
            "Keys were used on a machine with another machine-id, see: jwtctl doctor",
            {"directory", x->keys_dir});
    if (err == TOK_OK)
        err = keys_load(x->keys_dir, x->service.settings.token.algorithm, &x->keys, errmsg);
    if (err == TOK_OK)
        err = fleet_keys_reload(x, errmsg);
    return err;
}

static bool fits_sudo(const struct issuer *x)
{
    const struct settings *set = &x->service.settings;

    return mint_length(x, settings_user_length(set), true) <= set->token.max_token_length;
}

/* Names made of a long host name would make tokens that sudo does not accept. */
static enum tok_err shorten_names(struct issuer *x)
{
    struct issuer_names host = x->names;
    enum tok_err err = issuer_names_shorten(&host, &x->names);

    if (err != TOK_OK)
        return err;
    if (!fits_sudo(x)) { /* it is the algorithm */
        issuer_names_clear(&x->names);
        x->names = host;
        return TOK_OK;
    }
    issuer_names_clear(&host);
    LOG(LOG_NOTICE, MESSAGE_SETTINGS,
        "Host name too long for MaxTokenLength, random name used instead",
        {"issuer", x->names.issuer}, {"audience", x->names.audience[0]});
    return TOK_OK;
}

static enum tok_err find_names(const struct issuer *x, const struct issuer_names *settings,
                               struct issuer_names *ret, struct errmsg *errmsg)
{
    char host[256] = "";

    if (gethostname(host, sizeof(host) - 1) < 0)
        host[0] = '\0';
    return issuer_names_find(x->public_dir, settings, host, ret, errmsg);
}

/* The names of the settings; what these do not have is as recorded. */
static enum tok_err find_wanted(const struct issuer *x, struct issuer_names *ret,
                                struct errmsg *errmsg)
{
    const struct settings *set = &x->service.settings;
    const struct issuer_names names = {.issuer = set->token.issuer,
                                       .audience = set->token.audience};

    return find_names(x, &names, ret, errmsg);
}

/* Other names would end nothing before the first session and the first bundle. */
static enum tok_err are_names_in_use(const struct issuer *x, bool *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    int64_t last_exp;
    enum tok_err err = text_concat(x->public_dir, "/issuer", "", &path);

    if (err == TOK_OK && store_last_exp(x->store, &last_exp) != STORE_DONE)
        err = issuer_store_error(x, errmsg);
    if (err == TOK_OK)
        *ret =
            !is_missing(path) && (last_exp > 0 || x->bundle->seq > 0 || x->bundle->epoch > 1);
    return err;
}

/* Names that are in use are changed by `jwtctl config apply-names` alone. */
static enum tok_err keep_names(struct issuer *x, struct errmsg *errmsg)
{
    const struct issuer_names none = {0};
    struct issuer_names recorded = {0};
    enum tok_err err = find_names(x, &none, &recorded, errmsg);

    if (err != TOK_OK || issuer_names_equal(&recorded, &x->names)) {
        issuer_names_clear(&recorded);
        return err;
    }
    x->wanted = x->names;
    x->names = recorded;
    LOG(LOG_WARNING, MESSAGE_SETTINGS,
        "Issuer= or Audience= changed, keeping the names in use until jwtctl config "
        "apply-names",
        {"issuer", x->names.issuer}, {"audience", x->names.audience[0]});
    return TOK_OK;
}

static enum tok_err load_names(struct issuer *x, struct errmsg *errmsg)
{
    bool in_use;
    enum tok_err err = are_names_in_use(x, &in_use, errmsg);

    if (err == TOK_OK)
        err = find_wanted(x, &x->names, errmsg);
    if (err != TOK_OK)
        return err;
    if (in_use)
        return keep_names(x, errmsg);
    if (!(x->names.issuer_is_host || x->names.audience_is_host) || fits_sudo(x))
        return TOK_OK;
    return shorten_names(x);
}

/* Limits that tokens minted under other settings might exceed are left out; own_token.h checks
 * token_type and ids. */
static enum tok_err make_policy(struct issuer *x, struct errmsg *errmsg)
{
    const struct settings *set = &x->service.settings;
    struct policy *p = &x->policy;
    const struct {
        char **at;
        const char *value;
    } texts[] = {
        {&p->issuer, x->names.issuer},
        {&p->user_claim, set->token.user_id_claim},
        {&p->token_type_claim, set->token.token_type_claim},
        {&p->jti_claim, set->token.jti_claim},
        {&p->type, ""},
    };
    enum tok_err err;

    policy_clear(p);
    err = policy_init(p);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && err == TOK_OK; i++)
        err = text_replace(texts[i].at, slice_of(texts[i].value));
    if (err == TOK_OK)
        err = policy_set(p, SLICE("require"), SLICE("exp"), errmsg);
    if (err == TOK_OK)
        err = word_list_copy(x->names.audience, &p->audience);
    p->algorithms = ~(alg_set)0;
    p->leeway = (int64_t)(set->token.leeway / SECOND);
    p->max_lifetime = INT64_MAX / 2;
    p->max_length = WIRE_TOKEN_MAX;
    return err;
}

static void warn_of_length(const struct issuer *x)
{
    uint64_t max = x->service.settings.token.max_token_length;
    size_t user = settings_user_length(&x->service.settings), n = mint_length(x, user, false);
    char sum[96];

    if (n <= max)
        return;
    (void)snprintf(sum, sizeof(sum),
                   "%zu characters for a user name of %zu, MaxTokenLength=%llu", n, user,
                   (unsigned long long)max);
    LOG(LOG_WARNING, MESSAGE_SETTINGS,
        "Access tokens exceed MaxTokenLength: shorten Issuer= or Audience=, or raise the limit",
        {"sum", sum});
}

enum tok_err load_store_path(const struct settings *set, const char *state_dir, char **ret)
{
    const char *where = set->store.database ? set->store.database : set->store.path;

    return where ? text_concat(where, "", "", ret)
                 : text_concat(state_dir, "/sessions.db", "", ret);
}

enum tok_err load_parts(struct issuer *x, int state_fd, const char **ret_id,
                        struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *store_path = NULL;
    enum tok_err err = load_store_path(&x->service.settings, x->state_dir, &store_path);

    *ret_id = MESSAGE_KEYS;
    if (err == TOK_OK && !x->keys.signer)
        err = load_keys(x, store_path, state_fd, errmsg);
    if (err == TOK_OK && !x->bundle->keys.signer)
        err = own_bundle_load(x->bundle, errmsg);
    if (!x->is_daemon && store_is_shared(store_path))
        return err; /* --init runs before there is a network */
    if (err == TOK_OK && !x->store) {
        *ret_id = MESSAGE_STORE;
        err = store_open(store_path, x->modules_dir, &x->store, errmsg);
    }
    if (err == TOK_OK && !x->names.issuer) {
        *ret_id = MESSAGE_SETTINGS;
        err = load_names(x, errmsg);
        if (err == TOK_OK)
            err = make_policy(x, errmsg);
        if (err == TOK_OK)
            warn_of_length(x);
    }
    return err;
}

enum tok_err load_wanted_names(struct issuer *x, struct errmsg *errmsg)
{
    struct issuer_names wanted = {0};
    enum tok_err err = find_wanted(x, &wanted, errmsg);

    if (err == TOK_OK)
        err = publish_names(x->public_dir, &wanted, errmsg);
    if (err == TOK_OK) {
        issuer_names_clear(&x->names);
        x->names = wanted;
        wanted = x->wanted;
        x->wanted = (struct issuer_names){0};
        own_bundle_keys_changed(x->bundle);
        err = make_policy(x, errmsg);
    }
    issuer_names_clear(&wanted);
    return err;
}

enum tok_err load_lock(const struct issuer *x, int *ret_fd, struct errmsg *errmsg)
{
    int fd = open(x->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum tok_err err;

    if (fd >= 0 && flock(fd, LOCK_EX) == 0) {
        *ret_fd = fd;
        return TOK_OK;
    }
    err = errmsg_set(errmsg, TOK_FILE, "%s: %s", x->state_dir, strerrordesc_np(errno));
    cleanup_close(&fd);
    return err;
}

static uint64_t longest_lifetime(const struct settings *set)
{
    const uint64_t spans[] = {set->token.access_lifetime, set->token.refresh_lifetime,
                              set->token.sliding_lifetime, set->token.sliding_refresh_lifetime,
                              set->token.issue_lifetime};
    uint64_t longest = 0;

    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        longest = spans[i] > longest ? spans[i] : longest;
    return longest;
}

enum tok_err load_rotation(struct issuer *x, struct key_rotation *ret, struct errmsg *errmsg)
{
    const struct settings *set = &x->service.settings;
    int64_t by_store = 0;
    /* The store can be lost: what could have been minted just now counts too. */
    int64_t by_settings = issuer_wall(x) + (int64_t)(longest_lifetime(set) / SECOND);

    if (store_last_exp(x->store, &by_store) != STORE_DONE)
        return issuer_store_error(x, errmsg);
    *ret = (struct key_rotation){
        .keys = &x->keys,
        .dir = x->keys_dir,
        .public_dir = x->public_dir,
        .algorithm = set->token.algorithm,
        .last_exp = (by_store > by_settings ? by_store : by_settings) + POLICY_LEEWAY_MAX,
    };
    return TOK_OK;
}
