/* The units of jwtctl sync. */
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"

#include <inttypes.h>
#include <time.h>

#define KEYS_LATE 86400 /* seconds */

static void check_sync_unit(struct doctor *d, const char *unit)
{
    CLEANUP(cleanup_free) char *state = NULL;
    CLEANUP(cleanup_free) char *line = NULL;
    const bool timer = text_ends_with(slice_of(unit), ".timer"),
               started = timer || text_ends_with(slice_of(unit), ".path");
    struct doctor_text service, remedy;

    (void)DOCTOR_RUN(&state, "/usr/bin/systemctl", "show", "--property=ActiveState", "--value",
                     doctor_text(&service, started ? "%s" : "%s.service", unit));
    if (started ? strncmp(state, "active", 6) == 0 : strncmp(state, "failed", 6) != 0)
        return;
    if (started)
        doctor_report(
            d, DOCTOR_ERROR,
            (struct advice){unit, doctor_text(&remedy, "systemctl %s %s",
                                              timer ? "enable --now" : "start", unit)},
            "is not active: what changes at the issuer does not reach this host");
    else {
        (void)DOCTOR_RUN(&line, "/usr/bin/journalctl", "--quiet", "--no-pager", "--output=cat",
                         "--lines=1", "--priority=err", "--identifier", unit);
        doctor_report(
            d, DOCTOR_ERROR,
            (struct advice){service.text, doctor_text(&remedy, "journalctl -u %s", unit)},
            "has failed: %.*s", (int)strcspn(line, "\n"), line);
    }
}

/* A fetched key set has the time of the last success. */
static void check_keys_age(struct doctor *d, const struct policy *issuer)
{
    struct stat st;
    int64_t age = stat(issuer->keys, &st) == 0 ? time(NULL) - st.st_mtime : 0;

    if (age > KEYS_LATE)
        doctor_report(d, DOCTOR_WARNING,
                      (struct advice){issuer->keys, "journalctl -b -u 'jwt-sync-keys*'"},
                      "the keys of %s were fetched %" PRId64 " hours ago", issuer->issuer,
                      age / 3600);
}

/* Returns how many issuers have KeysUrl=. */
static size_t check_keys(struct doctor *d)
{
    size_t n = 0;

    for (size_t i = 0; i < d->settings.n_issuers; i++) {
        if (!d->settings.issuers[i].keys_url)
            continue;
        n++;
        check_keys_age(d, &d->settings.issuers[i]);
    }
    return n;
}

void doctor_check_sync_units(struct doctor *d)
{
    static const char *const names[] = {"jwt-sync.timer",       "jwt-sync-install.path",
                                        "jwt-sync-fetch",       "jwt-sync-install",
                                        "jwt-sync-keys.timer",  "jwt-sync-keys-fetch",
                                        "jwt-sync-keys-install"};
    const size_t keys = check_keys(d), first = d->settings.sync.url ? 0 : 4,
                 end = keys > 0 ? 7 : 4;

    if (first >= end)
        return;
    if (access("/run/systemd/system", F_OK) != 0) {
        doctor_skip(d, "not checked: systemd is not running");
        return;
    }
    for (size_t i = first; i < end; i++)
        check_sync_unit(d, names[i]);
    doctor_ok(d, "this host is synchronised with %s; other issuers with fetched keys: %zu",
              d->settings.sync.url ? d->settings.sync.url : "no issuer", keys);
}
