/* Runs programs and examines files for the checks. */
#include "jwtctl/capture.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"

#include <pwd.h>
#include <string.h>

int doctor_run(const char *const argv[], char **ret)
{
    static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                              "LC_ALL=C.UTF-8", NULL};
    int status = capture_output(argv, environment, ret);

    if (status != 0)
        (*ret)[strcspn(*ret, "\n")] = '\0';
    return status;
}

struct slice doctor_value(const char *text, const char *name, char separator)
{
    struct slice rest = slice_of(text), line, key, value;

    while (rest.n > 0) {
        if (!slice_cut(rest, '\n', &line, &rest)) {
            line = rest;
            rest.n = 0;
        }
        if (slice_cut(line, separator, &key, &value) && slice_is(key, name))
            return value;
    }
    return (struct slice){NULL, 0};
}

static bool has_owner(const char *name, uid_t uid)
{
    const struct passwd *user = getpwnam(name);

    return user && user->pw_uid == uid;
}

bool doctor_check_place(struct doctor *d, const struct place *place)
{
    const mode_t write = S_IWGRP | S_IWOTH, type = place->directory ? S_IFDIR : S_IFREG;
    const mode_t others = place->mode & S_IROTH ? write : S_IRWXG | S_IRWXO;
    struct advice advice = {place->path, place->make};
    struct doctor_text remedy;
    bool owned, has_mode;
    struct stat st;

    if (lstat(place->path, &st) < 0) {
        if (place->make && (errno == ENOENT || errno == ENOTDIR))
            doctor_report(d, DOCTOR_ERROR, advice, "is missing");
        return false;
    }
    if ((st.st_mode & S_IFMT) != type) {
        doctor_report(d, DOCTOR_ERROR, advice, "expected a %s",
                      place->directory ? "directory" : "regular file, not a link");
        return false;
    }
    owned = !place->owner || has_owner(place->owner, st.st_uid);
    has_mode = !(st.st_mode & others) && !(place->mode & ~st.st_mode & ~(mode_t)S_IWUSR);
    if (owned && has_mode)
        return true;
    advice.remedy =
        owned ? doctor_text(&remedy, "chmod %04o %s", (unsigned)place->mode, place->path)
              : doctor_text(&remedy, "chown %s %s && chmod %04o %s", place->owner, place->path,
                            (unsigned)place->mode, place->path);
    doctor_report(d, DOCTOR_ERROR, advice, "has mode %04o and owner uid %lu: expected %04o%s%s",
                  (unsigned)(st.st_mode & ALLPERMS), (unsigned long)st.st_uid,
                  (unsigned)place->mode, place->owner ? " and " : "",
                  place->owner ? place->owner : "");
    return false;
}
