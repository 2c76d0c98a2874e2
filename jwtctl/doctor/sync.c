/* The age of what jwtctl sync installed on this host. */
#include "common/config/resolve.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"

#include <inttypes.h>
#include <time.h>

#define LATE 3600 /* seconds, where no RevokedMaxAge= is set */
#define SEE_LOG "systemctl list-timers jwt-sync.timer; journalctl -b -u 'jwt-sync*'"

static void check_age(struct doctor *d, const struct synced *synced, int64_t max_age)
{
    const int64_t now = time(NULL), age = now - synced->bundle;
    struct errmsg errmsg;
    char written[FORMAT_MAX];

    if (synced_check(synced->bundle, max_age > 0 ? max_age : INT64_MAX, now, &errmsg) != TOK_OK)
        doctor_failure(d, max_age > 0 ? DOCTOR_ERROR : DOCTOR_WARNING, &errmsg, SEE_LOG);
    else if (age > (max_age > 0 ? max_age / 2 : LATE))
        doctor_report(d, DOCTOR_WARNING, (struct advice){SYNCED_PATH, SEE_LOG},
                      "the issuer's last bundle is %" PRId64
                      " s old: later logouts and keys have not reached this host",
                      age);
    doctor_ok(d, "issuer %s, last bundle of %s", synced->issuer,
              format_time(synced->bundle, written));
}

/* A host with other issuers only, and the issuing host, have no bundle. */
void doctor_check_sync(struct doctor *d)
{
    CLEANUP(policy_clear) struct policy words = {0};
    CLEANUP(resolve_clear) struct resolved local = {.list.fd = -1};
    const struct policy *section = NULL;
    struct synced synced;
    struct errmsg errmsg;
    bool exists = synced_read(SYNCED_PATH, &synced, &errmsg) == TOK_OK;

    if (policy_init(&words) != TOK_OK)
        out_of_memory();
    if (exists)
        section = settings_find_issuer(&d->settings, slice_of(synced.issuer));
    if (resolve_load(&(struct resolve_params){.words = &words}, &d->settings, section, &local,
                     &errmsg) == TOK_STALE)
        doctor_failure(d, DOCTOR_ERROR, &errmsg, SEE_LOG);
    else if (exists)
        check_age(d, &synced, local.policy.revoked_max_age);
}
