/* The daemons: their units, what jwtd-issuer and jwtd answer, keys and store. */
#include "common/config/resolve.h"
#include "jwtctl/admin.h"
#include "jwtctl/client.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"
#include "jwtctl/store_run.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define STATE "/var/lib/jwtd-issuer"
#define INIT "systemctl restart jwtd-issuer-init"
/* No key is created beside a store. */
#define RESTORE_KEYS "tar -C / -xzf BACKUP var/lib/jwtd-issuer && chown -R jwtd-issuer: " STATE
#define NEW_KEYS                                                                               \
    "systemctl stop jwtd-issuer && rm -r " STATE "/* /var/lib/jwt/issuer "                     \
    "/var/lib/jwt/jwks.json /var/lib/jwt/revoked && systemctl restart jwtd-issuer-init "       \
    "jwtd-issuer"
#define SEE_LOG "journalctl -b -u jwtd-issuer -u jwtd-login -u jwtd"

/* Kinds of units; a rule applies to some of these. */
enum { SOCKET = 1, IF_ENABLED = 2, SERVICE = 4, OFFLINE = 8, UNIT = 15 };

static const struct {
    const char *name;
    unsigned is;
} units[] = {
    {"jwtd.socket", SOCKET},
    {"jwtd-issuer.socket", SOCKET},
    {"jwtd-issuer-admin.socket", SOCKET},
    {"jwtd-login.socket", SOCKET},
    {"jwtd-tcp.socket", IF_ENABLED},
    {"jwtd.service", SERVICE | OFFLINE},
    {"jwtd-issuer.service", SERVICE | OFFLINE},
    {"jwtd-issuer-init.service", SERVICE | OFFLINE},
    {"jwtd-login.service", SERVICE},
};

#define UNIT_FAILED "not checked: a unit has failed or is not active"
#define WEAK "has a weaker sandbox than installed"
/* clang-format off */
static const struct {
    const char *property, *value; /* as systemctl show prints it */
    bool must_equal;
    unsigned of;
    enum doctor_status status;
    const char *message, *verb, *then;
} unit_rules[] = {
    {"LoadState", "masked", false, UNIT, DOCTOR_ERROR, "is masked", "unmask", " && systemctl start jwtd.socket"},
    {"LoadState", "loaded", true, UNIT, DOCTOR_ERROR, "cannot be loaded", "status", ""},
    {"ActiveState", "failed", false, UNIT, DOCTOR_ERROR, "has failed", "restart", "; journalctl -b -n 20"},
    {"SubState", "auto-restart", false, UNIT, DOCTOR_ERROR, "has failed", "restart", "; journalctl -b -n 20"},
    {"ActiveState", "active", true, SOCKET, DOCTOR_ERROR, "is not active", "start", ""},
    {"UnitFileState", "disabled", false, SOCKET, DOCTOR_WARNING, "is not enabled, so not active after a boot", "enable", ""},
    {"NeedDaemonReload", "yes", false, UNIT, DOCTOR_WARNING, "was changed on disk, which is not in effect", "daemon-reload; systemctl try-restart", ""},
    {"NoNewPrivileges", "yes", true, SERVICE, DOCTOR_WARNING, WEAK, "revert", ""},
    {"ProtectSystem", "strict", true, SERVICE, DOCTOR_WARNING, WEAK, "revert", ""},
    {"PrivateNetwork", "yes", true, OFFLINE, DOCTOR_WARNING, WEAK, "revert", ""},
};
/* clang-format on */

/* The package jwtd-postgresql gives this one a network. */
static bool is_opened(const struct doctor *d, const char *unit)
{
    return d->settings.store.database && strcmp(unit, "jwtd-issuer.service") == 0;
}

/* Reports the first rule that is broken. */
static void check_unit(struct doctor *d, const char *name, unsigned is, const char *shown)
{
    struct slice drop_ins = doctor_value(shown, "DropInPaths", '=');
    struct doctor_text remedy;

    if (is == IF_ENABLED && slice_is(doctor_value(shown, "UnitFileState", '='), "enabled"))
        is = SOCKET;
    for (size_t i = 0; i < sizeof(unit_rules) / sizeof(unit_rules[0]); i++) {
        bool equal =
            slice_is(doctor_value(shown, unit_rules[i].property, '='), unit_rules[i].value);

        if (!(unit_rules[i].of & is) || equal == unit_rules[i].must_equal)
            continue;
        if (unit_rules[i].of == OFFLINE && is_opened(d, name))
            continue;
        d->unit_failed = d->unit_failed || unit_rules[i].status == DOCTOR_ERROR;
        (void)doctor_text(&remedy, "systemctl %s %s%s", unit_rules[i].verb, name,
                          unit_rules[i].then);
        doctor_report(d, unit_rules[i].status, (struct advice){name, remedy.text}, "%s%s%.*s",
                      unit_rules[i].message, drop_ins.n > 0 ? "; drop-ins: " : "",
                      (int)drop_ins.n, drop_ins.p);
        return;
    }
}

void doctor_check_units(struct doctor *d)
{
    static const char property[] =
        "--property=LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,DropInPaths,"
        "StatusText,NoNewPrivileges,ProtectSystem,PrivateNetwork";

    if (access("/run/systemd/system", F_OK) != 0) {
        doctor_skip(d, "not checked: systemd is not running");
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        CLEANUP(cleanup_free) char *shown = NULL;

        if (DOCTOR_RUN(&shown, "/usr/bin/systemctl", "show", property, units[i].name) == 0)
            check_unit(d, units[i].name, units[i].is, shown);
        else
            doctor_report(d, DOCTOR_ERROR, (struct advice){units[i].name, "systemctl status"},
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

/* The signing key is published, unless it is a secret. */
static void check_published(struct doctor *d, const char *kid)
{
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    const struct keyset_source from = {NULL, POLICY_KEYS, FILE_PUBLIC, alg_set_default()};
    struct errmsg ignored;

    if (d->settings.token.algorithm->kind != ALG_OCT &&
        keyset_load(&from, &keys, &ignored) == TOK_OK && !keyset_find(keys, slice_of(kid)))
        doctor_report(d, DOCTOR_ERROR,
                      (struct advice){POLICY_KEYS, "systemctl restart jwtd-issuer"},
                      "does not contain the signing key %s: every token is refused", kid);
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
        doctor_report(d, DOCTOR_WARNING, (struct advice){NULL, "systemctl restart jwtd-issuer"},
                      "jwtd-issuer has version %s, jwtctl has version " JWT_VERSION,
                      version ? version : "unknown");
    if (number_of(status, "clock_behind") > 0)
        doctor_report(d, DOCTOR_ERROR, (struct advice){NULL, "timedatectl"},
                      "the clock is %" PRId64 " s behind the newest session",
                      number_of(status, "clock_behind"));
    if (json_object_get_boolean(json_member(status, "copy")))
        doctor_report(d, DOCTOR_WARNING, (struct advice){STATE "/machine", NEW_KEYS},
                      "the keys were used on a machine with another machine-id: if this host "
                      "replaces it, `rm " STATE
                      "/machine && systemctl restart jwtd-issuer`; if "
                      "it is a copy, it needs other keys, sessions and names");
    if (json_member(status, "wanted"))
        doctor_report(d, DOCTOR_WARNING, (struct advice){NULL, "jwtctl config apply-names"},
                      "Issuer= or Audience= of the settings are not in use yet");
    if (!kid)
        return;
    check_published(d, kid);
    (void)stat(doctor_text(&path, STATE "/keys/%s.jwk", kid), &st);
    doctor_ok(d, "jwtd-issuer signs with key %s of %s; live sessions: %" PRId64, kid,
              format_time(st.st_mtime, created),
              number_of(json_member(status, "sessions"), "live"));
}

/* The issuer opens the store and counts its sessions. */
void doctor_check_issuer(struct doctor *d)
{
    CLEANUP(cleanup_json) struct json_object *status = NULL;
    struct admin_answer answer;
    struct errmsg errmsg;

    if (!d->root || d->unit_failed)
        doctor_skip(d, "%s", d->root ? UNIT_FAILED : DOCTOR_NEEDS_ROOT);
    else if (admin_send(ADMIN_SOCKET, WIRE_ADMIN_STATUS, NULL, &answer, &errmsg) != TOK_OK)
        doctor_report(d, DOCTOR_ERROR, (struct advice){NULL, SEE_LOG}, "%s", errmsg.text);
    else if (answer.message.status != WIRE_OK ||
             json_read(answer.message.v[0].text, &status) != TOK_OK)
        doctor_report(d, DOCTOR_ERROR, (struct advice){NULL, "systemctl restart jwtd-issuer"},
                      "jwtd-issuer is of another release than jwtctl " JWT_VERSION);
    else
        check_status(d, status);
}

void doctor_check_http(struct doctor *d)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    struct errmsg errmsg;

    if (d->unit_failed)
        doctor_skip(d, UNIT_FAILED);
    else if (client_send(&(struct client_request){.server = CLIENT_SOCKET,
                                                  .method = "GET",
                                                  .path = "/healthz"},
                         &reply, &errmsg) != TOK_OK)
        doctor_report(d, DOCTOR_ERROR, (struct advice){NULL, SEE_LOG}, "%s", errmsg.text);
    else if (reply.status != 200)
        doctor_report(d, DOCTOR_ERROR, (struct advice){CLIENT_SOCKET, SEE_LOG},
                      "/healthz answers with status %ld: no token is issued", reply.status);
    doctor_ok(d, "/healthz answers 200");
}

void doctor_check_keys(struct doctor *d)
{
    const char *store = d->settings.store.path ? d->settings.store.path : STATE "/sessions.db";
    glob_t found;

    if (!d->root) {
        doctor_skip(d, DOCTOR_NEEDS_ROOT);
        return;
    }
    (void)doctor_check_place(d, &(struct place){STATE, "jwtd-issuer", INIT, true, 0700});
    (void)doctor_check_place(d, &(struct place){STATE "/keys", "jwtd-issuer",
                                                access(store, F_OK) == 0 ? RESTORE_KEYS : INIT,
                                                true, 0700});
    if (glob(STATE "/keys/*", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            (void)doctor_check_place(
                d, &(struct place){found.gl_pathv[i], "jwtd-issuer", NULL, false, 0600});
        globfree(&found);
    }
    (void)doctor_check_place(d, &(struct place){store, "jwtd-issuer", NULL, false, 0600});
    doctor_ok(d, "keys and store are readable by jwtd-issuer alone");
}

/* Lines "warning: ..." before the result. */
static void check_database(struct doctor *d)
{
    CLEANUP(cleanup_free) char *output = NULL;
    bool ok = store_run("check", "--check-store", &output) == 0;
    struct slice rest = slice_of(output), line, word, warning;

    while (slice_cut(rest, '\n', &line, &rest)) {
        bool is_warning = slice_cut(line, ':', &word, &warning) && slice_is(word, "warning");

        if (is_warning || !ok)
            doctor_report(d, is_warning ? DOCTOR_WARNING : DOCTOR_ERROR,
                          (struct advice){"Database=", "man 8 jwtd-issuer"}, "%.*s",
                          (int)(is_warning ? warning.n - 1 : line.n),
                          is_warning ? warning.p + 1 : line.p);
    }
    if (!ok && !d->reported)
        doctor_report(d, DOCTOR_ERROR, (struct advice){"Database=", SEE_LOG},
                      "cannot be checked");
}

/* It takes a second for a million sessions, and more if they are read from the disk. */
void doctor_check_store(struct doctor *d)
{
    static const char program[] = JWT_SBINDIR "/jwtd-issuer";
    static const char *const command[] = {"/usr/bin/timeout", "60", program, "--check-store",
                                          NULL};
    CLEANUP(cleanup_free) char *output = NULL;
    struct errmsg errmsg;

    if (!d->root)
        doctor_skip(d, DOCTOR_NEEDS_ROOT);
    else if (d->settings.store.database)
        check_database(d);
    else if (doctor_run(command, &output) != 0) {
        (void)errmsg_set(&errmsg, TOK_FILE, "%s", *output ? output : "took longer than 60 s");
        doctor_failure(d, DOCTOR_ERROR, &errmsg, "man 8 jwtd-issuer");
    }
    doctor_ok(d, d->settings.store.database ? "the database of the sessions is reachable"
                                            : "the session store has no error");
}

/* The longest host name after which an issuer is named by default (jwt.conf(5)). */
#define HOST_NAME_LEN 14

void doctor_check_names(struct doctor *d)
{
    CLEANUP(policy_clear) struct policy pinned = {0};
    char host[HOST_NAME_MAX + 1] = "";
    struct doctor_text standard;
    struct errmsg ignored;

    (void)gethostname(host, HOST_NAME_MAX);
    (void)doctor_text(&standard, "https://%s", host);
    if (policy_read_pinned(&pinned, POLICY_PINNED, &ignored) != TOK_OK)
        return;
    if (!d->settings.token.issuer && strlen(host) <= HOST_NAME_LEN &&
        strcmp(pinned.issuer, standard.text) != 0)
        doctor_report(
            d, DOCTOR_WARNING, (struct advice){POLICY_PINNED, "man 5 jwt.conf"},
            "the issuer is named %s, but the host is %s: set Issuer= and Audience= to "
            "the recorded names if this host was renamed, to new names if it is a copy",
            pinned.issuer, host);
    doctor_ok(d, "issuer %s, audience %s", pinned.issuer,
              pinned.audience ? pinned.audience[0] : "");
}
