/* The units of jwtctl sync. */
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"

static void check_sync_unit(struct doctor *d, const char *unit)
{
    CLEANUP(cleanup_free) char *state = NULL;
    CLEANUP(cleanup_free) char *line = NULL;
    const bool timer = strcmp(unit, "jwt-sync.timer") == 0;
    struct doctor_text service, remedy;

    (void)DOCTOR_RUN(&state, "/usr/bin/systemctl", "show", "--property=ActiveState", "--value",
                     doctor_text(&service, timer ? "%s" : "%s.service", unit));
    if (timer ? strncmp(state, "active", 6) == 0 : strncmp(state, "failed", 6) != 0)
        return;
    if (timer)
        doctor_problem(d, DOCTOR_ERROR,
                       (struct advice){unit, "systemctl enable --now jwt-sync.timer"},
                       "is not active: logouts and new keys do not reach this host");
    else if (DOCTOR_RUN(&line, "/usr/bin/journalctl", "--quiet", "--no-pager", "--output=cat",
                        "--lines=1", "--priority=err", "--identifier", unit) == 0)
        doctor_problem(
            d, DOCTOR_ERROR,
            (struct advice){service.text, doctor_text(&remedy, "journalctl -u %s", unit)},
            "has failed: %.*s", (int)strcspn(line, "\n"), line);
}

void doctor_check_sync_units(struct doctor *d)
{
    static const char *const names[] = {"jwt-sync.timer", "jwt-sync-fetch", "jwt-sync-install"};

    if (!d->settings.sync.url)
        return;
    if (access("/run/systemd/system", F_OK) != 0) {
        doctor_skip(d, "not checked: systemd is not running");
        return;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        check_sync_unit(d, names[i]);
    doctor_ok(d, "this host is synchronised with %s", d->settings.sync.url);
}
