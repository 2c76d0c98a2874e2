/* The daemons: their units, what jwtd-issuer and jwtd answer, keys and store. */
#include "common/config/resolve.h"
#include "jwtctl/admin.h"
#include "jwtctl/client.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define STATE "/var/lib/jwtd-issuer"
#define SEE_LOG "journalctl -b -u jwtd-issuer -u jwtd-login -u jwtd"

enum unit_kind { UNIT_SOCKET, UNIT_OPTIONAL_SOCKET, UNIT_SERVICE, UNIT_OFFLINE };

static const struct {
    const char *name;
    enum unit_kind kind; /* offline: a service without network access */
} units[] = {
    {"jwtd.socket", UNIT_SOCKET},
    {"jwtd-issuer.socket", UNIT_SOCKET},
    {"jwtd-issuer-admin.socket", UNIT_SOCKET},
    {"jwtd-login.socket", UNIT_SOCKET},
    {"jwtd-tcp.socket", UNIT_OPTIONAL_SOCKET},
    {"jwtd.service", UNIT_OFFLINE},
    {"jwtd-issuer.service", UNIT_OFFLINE},
    {"jwtd-issuer-init.service", UNIT_OFFLINE},
    {"jwtd-login.service", UNIT_SERVICE},
};

static bool has_value(const char *shown, const char *property, const char *value)
{
    return slice_is(doctor_value(shown, property, '='), value);
}

static void check_unit(struct doctor *d, const char *name, enum unit_kind kind,
                       const char *shown)
{
    struct doctor_text remedy;
    struct advice advice = {name, NULL};
    struct slice drop_ins = doctor_value(shown, "DropInPaths", '=');
    struct slice status = doctor_value(shown, "StatusText", '=');
    struct slice file_state = doctor_value(shown, "UnitFileState", '=');
    bool socket = kind <= UNIT_OPTIONAL_SOCKET, enabled = slice_is(file_state, "enabled");
    bool wanted = kind == UNIT_SOCKET || (socket && enabled);

    if (has_value(shown, "LoadState", "masked")) {
        advice.remedy =
            doctor_text(&remedy, "systemctl unmask %s && systemctl start jwtd.socket", name);
        doctor_problem(d, DOCTOR_ERROR, advice, "is masked");
    } else if (!has_value(shown, "LoadState", "loaded")) {
        advice.remedy = doctor_text(&remedy, "systemctl status %s", name);
        doctor_problem(d, DOCTOR_ERROR, advice, "cannot be loaded");
    } else if (has_value(shown, "ActiveState", "failed")) {
        advice.remedy =
            doctor_text(&remedy, "systemctl restart %s; journalctl -b -u %s", name, name);
        doctor_problem(d, DOCTOR_ERROR, advice, "has failed: %.*s", (int)status.n, status.p);
    } else if (wanted && !has_value(shown, "ActiveState", "active")) {
        advice.remedy = doctor_text(&remedy, "systemctl start %s", name);
        doctor_problem(d, DOCTOR_ERROR, advice, "is not active");
    } else if (kind == UNIT_SOCKET && file_state.n > 0 && slice_is(file_state, "disabled")) {
        advice.remedy = doctor_text(&remedy, "systemctl enable %s", name);
        doctor_problem(d, DOCTOR_WARNING, advice,
                       "is not enabled, and not active after a boot");
    } else if (has_value(shown, "NeedDaemonReload", "yes")) {
        advice.remedy = "systemctl daemon-reload && systemctl try-restart 'jwtd*'";
        doctor_problem(d, DOCTOR_WARNING, advice, "was changed and is not in effect");
    } else if (!socket &&
               (!has_value(shown, "NoNewPrivileges", "yes") ||
                !has_value(shown, "ProtectSystem", "strict") ||
                (kind == UNIT_OFFLINE && !has_value(shown, "PrivateNetwork", "yes")))) {
        advice.remedy = doctor_text(&remedy, "systemctl revert %s", name);
        doctor_problem(d, DOCTOR_WARNING, advice, "its sandbox is weaker than installed: %.*s",
                       (int)drop_ins.n, drop_ins.p);
    }
}

void doctor_check_units(struct doctor *d)
{
    char systemctl[] = "/usr/bin/systemctl", show[] = "show",
         property[] = "--property=LoadState,ActiveState,UnitFileState,NeedDaemonReload,"
                      "DropInPaths,StatusText,"
                      "NoNewPrivileges,ProtectSystem,PrivateNetwork";

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        CLEANUP(cleanup_free) char *shown = NULL;
        struct doctor_text name;

        (void)doctor_text(&name, "%s", units[i].name);
        if (access("/run/systemd/system", F_OK) != 0) {
            doctor_skip(d, "systemd does not run here");
            return;
        }
        if (doctor_run((char *[]){systemctl, show, property, name.text, NULL}, &shown) == 0)
            check_unit(d, units[i].name, units[i].kind, shown);
        else
            doctor_problem(d, DOCTOR_ERROR, (struct advice){name.text, "systemctl status"},
                           "%s", shown);
    }
    doctor_ok(d, "the sockets are active, and no unit has failed");
}

static int64_t number_of(struct json_object *object, const char *name)
{
    int64_t n = 0;

    (void)json_member_integer(object, name, &n);
    return n;
}

/* The published keys contain the one that signs, unless it is a secret. */
static void check_published(struct doctor *d, const char *kid)
{
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    const struct keyset_source from = {NULL, POLICY_KEYS, FILE_PUBLIC, alg_set_default()};
    struct errmsg ignored;

    if (d->settings.token.algorithm->kind != ALG_OCT &&
        keyset_load(&from, &keys, &ignored) == TOK_OK && !keyset_find(keys, slice_of(kid)))
        doctor_problem(d, DOCTOR_ERROR,
                       (struct advice){POLICY_KEYS, "systemctl restart jwtd-issuer"},
                       "does not contain the key %s that signs: every token is refused", kid);
}

static void check_status(struct doctor *d, struct json_object *status)
{
    struct json_object *keys = json_member(status, "keys");
    const char *version = json_member_text(status, "version"), *kid = NULL;
    char created[FORMAT_MAX];
    struct doctor_text path;
    struct stat st = {0};

    for (size_t i = 0; i < json_length(keys); i++) {
        struct json_object *key = json_object_array_get_idx(keys, i);

        if (json_object_get_boolean(json_member(key, "signs")))
            kid = json_member_text(key, "kid");
    }
    if (!version || strcmp(version, JWT_VERSION) != 0)
        doctor_problem(d, DOCTOR_WARNING,
                       (struct advice){NULL, "systemctl restart jwtd-issuer"},
                       "jwtd-issuer is of version %s, jwtctl of " JWT_VERSION,
                       version ? version : "unknown");
    if (number_of(status, "clock_behind") > 0)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){NULL, "timedatectl"},
                       "the clock is %" PRId64 " s behind the newest session",
                       number_of(status, "clock_behind"));
    if (!kid)
        return;
    check_published(d, kid);
    (void)stat(doctor_text(&path, STATE "/keys/%s.jwk", kid), &st);
    doctor_ok(d, "jwtd-issuer signs with key %s of %s, %" PRId64 " live sessions", kid,
              format_time(st.st_mtime, created),
              number_of(json_member(status, "sessions"), "live"));
}

/* The issuer opens the store and counts its sessions. */
void doctor_check_issuer(struct doctor *d)
{
    CLEANUP(cleanup_json) struct json_object *status = NULL;
    struct admin_answer answer;
    struct errmsg errmsg;

    if (!d->root)
        doctor_skip(d, DOCTOR_NEEDS_ROOT);
    else if (admin_send(ADMIN_SOCKET, WIRE_ADMIN_STATUS, NULL, &answer, &errmsg) != TOK_OK)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){NULL, SEE_LOG}, "%s", errmsg.text);
    else if (answer.message.status != WIRE_OK ||
             json_read(answer.message.v[0].text, &status) != TOK_OK)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){NULL, "systemctl restart jwtd-issuer"},
                       "jwtd-issuer is of another release than jwtctl " JWT_VERSION);
    else
        check_status(d, status);
}

void doctor_check_http(struct doctor *d)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    struct errmsg errmsg;

    if (client_send(&(struct client_request){.server = CLIENT_SOCKET,
                                             .method = "GET",
                                             .path = "/healthz"},
                    &reply, &errmsg) != TOK_OK)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){NULL, SEE_LOG}, "%s", errmsg.text);
    else if (reply.status != 200)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){CLIENT_SOCKET, SEE_LOG},
                       "/healthz answers with status %ld: no token is issued", reply.status);
    doctor_ok(d, "/healthz answers 200");
}

/* Owner and mode; the header of the store, as SQLite writes it. */
void doctor_check_keys(struct doctor *d)
{
    const char *store = d->settings.store.path ? d->settings.store.path : STATE "/sessions.db";
    CLEANUP(cleanup_close) int fd = -1;
    char header[16] = "";
    glob_t found;

    if (!d->root) {
        doctor_skip(d, DOCTOR_NEEDS_ROOT);
        return;
    }
    (void)doctor_check_place(d,
                             &(struct place){STATE, "jwtd-issuer",
                                             "systemctl restart jwtd-issuer-init", true, 0700});
    (void)doctor_check_place(d,
                             &(struct place){STATE "/keys", "jwtd-issuer",
                                             "systemctl restart jwtd-issuer-init", true, 0700});
    if (glob(STATE "/keys/*", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)doctor_check_place(
                d, &(struct place){found.gl_pathv[i], "jwtd-issuer", NULL, false, 0600});
        globfree(&found);
    }
    if (doctor_check_place(d, &(struct place){store, "jwtd-issuer", NULL, false, 0600}) &&
        (fd = open(store, O_RDONLY | O_CLOEXEC)) >= 0 &&
        read(fd, header, sizeof(header)) != 0 && memcmp(header, "SQLite format 3", 16) != 0)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){store, "man 8 jwtd-issuer"},
                       "is no SQLite database");
    doctor_ok(d, "keys and store are readable by jwtd-issuer alone");
}

/* One host cannot see that another has its key or name, but that it was copied. */
void doctor_check_names(struct doctor *d)
{
    CLEANUP(policy_clear) struct policy pinned = {0};
    struct stat machine, key = {0};
    struct doctor_text host;
    struct errmsg ignored;
    glob_t found;

    if (gethostname(host.text, sizeof(host.text)) != 0 ||
        policy_read_pinned(&pinned, POLICY_PINNED, &ignored) != TOK_OK)
        return;
    if (glob(STATE "/keys/*.jwk", 0, NULL, &found) == 0) {
        if (stat("/etc/machine-id", &machine) == 0 && stat(found.gl_pathv[0], &key) == 0 &&
            machine.st_mtime > key.st_mtime)
            doctor_problem(
                d, DOCTOR_WARNING, (struct advice){"/etc/machine-id", "jwtctl key rotate"},
                "is newer than the signing keys: if this host is a copy, another host has "
                "the same keys");
        globfree(&found);
    }
    if (!d->settings.token.issuer && strlen(host.text) < 15 &&
        strcmp(pinned.issuer + strlen("https://"), host.text) != 0)
        doctor_problem(d, DOCTOR_WARNING, (struct advice){POLICY_PINNED, "jwtctl config show"},
                       "the issuer is %s and the host is %s: if it is a copy, set Issuer= and "
                       "Audience= in jwt.conf, on a renamed host to the old names",
                       pinned.issuer, host.text);
    doctor_ok(d, "issuer %s, audience %s", pinned.issuer,
              pinned.audience ? pinned.audience[0] : "");
}
