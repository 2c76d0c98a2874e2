/* Files and directories of pam_jwt and of the daemons, the clock, free space. */
#include "common/config/disabled.h"
#include "common/config/resolve.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"
#include "jwtctl/state_dir.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>

#define TMPFILES "systemd-tmpfiles --create"
#define PUBLISH "systemctl restart jwtd-issuer-init jwtd-issuer"
#define SPACE_ERROR ((uint64_t)1 << 20) /* bytes */
#define SPACE_WARNING ((uint64_t)16 << 20)
#define CLOCK_TOLERANCE 60 /* seconds */

void doctor_check_disabled(struct doctor *d)
{
    struct errmsg errmsg;

    if (disabled_check(&errmsg) != TOK_OK)
        doctor_report(d, DOCTOR_WARNING, (struct advice){DISABLED_PATH, "rm " DISABLED_PATH},
                      "%s", errmsg.text);
    (void)doctor_check_place(d, &(struct place){"/etc/jwt", "root", NULL, true, 0755});
    doctor_ok(d, "tokens are not disabled on this host");
}

/* As pam_jwt loads them for a token of the local issuer. A host may have other issuers only. */
void doctor_check_public(struct doctor *d)
{
    static const char *const files[] = {POLICY_PINNED, POLICY_KEYS, POLICY_REVOKED};
    CLEANUP(policy_clear) struct policy words = {0};
    CLEANUP(resolve_clear) struct resolved resolved = {.list.fd = -1};
    const char *remedy = d->has_issuer ? PUBLISH : "man 8 pam_jwt";
    struct doctor_text text;
    struct errmsg errmsg = {""};
    enum tok_err err = TOK_OK;
    char written[FORMAT_MAX];
    struct stat st;

    if (!d->has_issuer && d->settings.n_issuers > 0 && access(POLICY_PINNED, F_OK) != 0)
        return;
    if (policy_init(&words) != TOK_OK)
        out_of_memory();
    (void)doctor_check_place(d, &(struct place){"/var/lib/jwt", NULL, TMPFILES, true, 0755});
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)doctor_check_place(d, &(struct place){files[i], NULL, remedy, false, 0644});
    if (!d->reported)
        err = resolve_load(&(struct resolve_params){.words = &words}, &d->settings, NULL,
                           &resolved, &errmsg);
    if (err && err != TOK_STALE) /* for doctor_check_sync */
        doctor_failure(d, DOCTOR_ERROR, &errmsg,
                       d->has_issuer ? doctor_text(&text, "rm %.*s && " PUBLISH,
                                                   (int)strcspn(errmsg.text, ":"), errmsg.text)
                                     : remedy);
    if (stat(POLICY_REVOKED, &st) == 0)
        doctor_ok(d, "revoked sessions: %" PRId64 ", list written %s",
                  (int64_t)st.st_size / REVOKED_LINE_LEN, format_time(st.st_mtime, written));
}

void doctor_check_run(struct doctor *d)
{
    static const struct place places[] = {
        {"/run/jwt", "root", TMPFILES, true, 0755},
        {"/run/jwt/used", "root", TMPFILES, true, 0700},
        {"/run/jwt/logins", "root", NULL, true, 0700},
        {"/run/jwt/since", "root", TMPFILES, false, 0644},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (!doctor_check_place(d, &places[i]) && places[i].make)
            break;
    doctor_ok(d, "one-time tokens can be recorded in /run/jwt");
}

void doctor_check_clock(struct doctor *d)
{
    static const char *const written[] = {"/run/jwt/since", POLICY_PINNED, POLICY_KEYS,
                                          POLICY_REVOKED};
    const bool container = access("/run/systemd/container", F_OK) == 0;
    struct timex state = {0};
    struct stat st;

    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++)
        if (stat(written[i], &st) == 0 && st.st_mtime > time(NULL) + CLOCK_TOLERANCE) {
            doctor_report(d, DOCTOR_ERROR, (struct advice){written[i], "timedatectl"},
                          "has a time %" PRId64
                          " s in the future: the clock is behind, or was ahead when the "
                          "file was written",
                          (int64_t)(st.st_mtime - time(NULL)));
            break;
        }
    if (!container && adjtimex(&state) == TIME_ERROR)
        doctor_report(
            d, DOCTOR_WARNING, (struct advice){NULL, "timedatectl set-ntp true"},
            "the clock is not synchronised: tokens that another host issued may be refused");
    doctor_ok(d, container ? "the clock is that of the container's host"
                           : "the clock is synchronised");
}

static void check_file_system(struct doctor *d, const char *path)
{
    struct doctor_text remedy;
    struct advice advice = {path, doctor_text(&remedy, "df -h %s; df -i %s", path, path)};
    struct statvfs fs;
    uint64_t free_bytes;

    if (statvfs(path, &fs) != 0)
        return;
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (fs.f_flag & ST_RDONLY)
        doctor_report(d, DOCTOR_ERROR, advice, "the file system is read-only");
    else if (free_bytes < SPACE_WARNING || (fs.f_files > 0 && fs.f_favail < 100))
        doctor_report(d, free_bytes < SPACE_ERROR ? DOCTOR_ERROR : DOCTOR_WARNING, advice,
                      "%" PRIu64 " KiB and %" PRIu64
                      " inodes are free: expected at least 16 MiB and "
                      "100 inodes",
                      free_bytes >> 10, (uint64_t)fs.f_favail);
}

void doctor_check_space(struct doctor *d)
{
    static const char *const paths[] = {"/var/lib/jwtd-issuer", "/var/lib/jwt", "/run/jwt/used",
                                        "/run"};
    CLEANUP(cleanup_free) char *state = NULL;
    CLEANUP(cleanup_close) int fd = -1;
    struct errmsg ignored;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        check_file_system(d, paths[i]);
    if (state_dir_open(false, &fd, &state, &ignored) == TOK_OK && fd >= 0)
        check_file_system(d, state);
    doctor_ok(d, "there is free space for keys, sessions and tokens");
}
