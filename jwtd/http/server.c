#include "jwtd/http/server.h"

#include "common/base/timespan.h"
#include "jwtd/shared/messages.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

static void derive_issuer(struct server *s)
{
    CLEANUP(policy_clear) struct policy pinned = {0};
    const char *issuer = s->service.settings.token.issuer;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/issuer", s->public_dir);
    if (policy_read_pinned(&pinned, path, NULL) == TOK_OK)
        issuer = pinned.issuer;
    (void)snprintf(s->hosts.issuer, sizeof(s->hosts.issuer), "%s", issuer ? issuer : "");
}

static void derive_proxies(struct server *s)
{
    word_list names = s->service.settings.http.trusted_proxies;
    size_t n = 0;

    while (names && names[n])
        n++;
    free(s->proxies);
    s->n_proxies = 0;
    s->proxies = n > 0 ? calloc(n, sizeof(*s->proxies)) : NULL;
    for (size_t i = 0; s->proxies && i < n; i++) {
        const struct passwd *user = getpwnam(names[i]);

        if (user)
            s->proxies[s->n_proxies++] = user->pw_uid;
        else
            LOG(LOG_WARNING, MESSAGE_SETTINGS,
                "TrustedProxies= names an unknown user, ignoring it", {"setting", names[i]});
    }
}

static void derive(struct server *s)
{
    s->derived = true;
    if (gethostname(s->hosts.hostname, sizeof(s->hosts.hostname) - 1) < 0)
        s->hosts.hostname[0] = '\0';
    s->hosts.allowed = s->service.settings.http.allowed_hosts;
    derive_issuer(s);
    derive_proxies(s);
}

bool server_ready(struct server *s)
{
    if (!service_ready(&s->service))
        return false;
    if (!s->derived)
        derive(s);
    return true;
}

bool server_reload(void *arg, const struct settings *old, struct errmsg *errmsg)
{
    struct server *s = arg;

    derive(s);
    subuids_clear(&s->subuids); /* is read again: an owner may have another uid */
    return true;
}

/* jwtd-issuer may have pinned another name in the meantime. */
static void retry_issuer(struct server *s)
{
    if (service_is_due(&s->next_issuer, SECOND))
        derive_issuer(s);
}

bool server_allows_host(struct server *s, struct slice name)
{
    if (hosts_allow(&s->hosts, name))
        return true;
    retry_issuer(s);
    return hosts_allow(&s->hosts, name);
}

bool server_is_own_origin(struct server *s, struct slice origin, struct slice host)
{
    retry_issuer(s);
    return hosts_is_own_origin(&s->hosts, origin, host);
}

static bool is_trusted(const struct server *s, uid_t uid)
{
    for (size_t i = 0; i < s->n_proxies; i++)
        if (s->proxies[i] == uid)
            return true;
    return false;
}

static enum peer_class class_of(const struct server *s, const struct source *source)
{
    if (source->kind != SOURCE_UID)
        return PEER_TCP;
    if (is_trusted(s, source->uid))
        return PEER_PROXY;
    return source->uid == 0 ? PEER_ROOT : PEER_USER;
}

bool server_peer(struct server *s, int fd, struct peer *ret)
{
    struct errmsg errmsg = {""};

    if (!source_of_peer(fd, &ret->source))
        return false;
    ret->class = class_of(s, &ret->source);
    if (ret->class != PEER_USER)
        return true;
    if (subuids_update(&s->subuids, SUBUID_FILE, &errmsg) != TOK_OK)
        LOG(LOG_WARNING, MESSAGE_OVERLOAD, "Cannot read the ranges of subordinate uids",
            {"cause", errmsg.text});
    ret->source.uid = subuids_owner(&s->subuids, ret->source.uid);
    return true;
}

void server_overload(struct server *s, enum metrics_limit limit, const struct source *source)
{
    char text[SOURCE_TEXT];

    s->metrics.refused[limit]++;
    if (!service_is_due(&s->next_overload, MINUTE))
        return;
    source_text(source, text);
    LOG(LOG_NOTICE, MESSAGE_OVERLOAD, "Connection limit reached",
        {"limit", metrics_limits[limit]}, {"source", text});
}

void server_bad_forward(struct server *s, const struct source *proxy, struct slice address)
{
    char text[SOURCE_TEXT], shown[SOURCE_TEXT];

    if (!service_is_due(&s->next_forward, MINUTE))
        return;
    source_text(proxy, text);
    (void)snprintf(shown, sizeof(shown), "%.*s", slice_shown(address, sizeof(shown) - 1),
                   address.p);
    LOG(LOG_WARNING, MESSAGE_HTTP,
        "X-Forwarded-For of a trusted proxy does not end in an address, request refused",
        {"source", text}, {"value", shown});
}

void server_clear(struct server *s)
{
    free(s->proxies);
    subuids_clear(&s->subuids);
}
