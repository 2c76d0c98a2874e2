/* jwtctl doctor: the table of its checks. */
#include "common/config/resolve.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/output.h"
#include "jwtctl/settings_check.h"

static void add_mistake(void *arg, enum settings_level level, const struct errmsg *errmsg,
                        const char *remedy)
{
    if (level != SETTINGS_NOTE)
        doctor_failure(arg, level == SETTINGS_WARNING ? DOCTOR_WARNING : DOCTOR_ERROR, errmsg,
                       remedy);
}

static void check_settings(struct doctor *d)
{
    struct errmsg errmsg;

    if (resolve_settings(&(struct resolve_params){0}, &d->settings, &errmsg) == TOK_OK) {
        settings_check(&d->settings, NULL, add_mistake, d);
    } else {
        doctor_failure(d, DOCTOR_ERROR, &errmsg, "man 5 jwt.conf");
        if (settings_init(&d->settings) != TOK_OK)
            out_of_memory();
    }
    doctor_ok(d, access(POLICY_CONFIG, F_OK) == 0 ? POLICY_CONFIG
                                                  : "no file " POLICY_CONFIG
                                                    ": its settings have their defaults");
}

/* MODULE: if pam_jwt is installed or a stack names it; ISSUER: if the daemons are installed. */
enum check_of { ANY_HOST, MODULE, ISSUER, EITHER };

static const struct {
    const char *name;
    enum check_of of;
    void (*run)(struct doctor *d);
} checks[] = {
    {"settings", ANY_HOST, check_settings}, /* first: others use the settings */
    {"module", MODULE, doctor_check_module},
    {"stacks", MODULE, doctor_check_stacks},
    {"disabled", MODULE, doctor_check_disabled},
    {"public", MODULE, doctor_check_public},
    {"sync", MODULE, doctor_check_sync},
    {"one-time", MODULE, doctor_check_run},
    {"host-keys", MODULE, doctor_check_host_keys},
    {"sudo", MODULE, doctor_check_sudo},
    {"sshd", MODULE, doctor_check_sshd},
    {"ssh", ANY_HOST, doctor_check_ssh},
    {"second-factor", ISSUER, doctor_check_second_factor},
    {"units", ISSUER, doctor_check_units},
    {"keys", ISSUER, doctor_check_keys},
    {"store", ISSUER, doctor_check_store},
    {"issuer", ISSUER, doctor_check_issuer},
    {"http", ISSUER, doctor_check_http},
    {"names", ISSUER, doctor_check_names},
    {"clock", EITHER, doctor_check_clock},
    {"sync-units", ANY_HOST, doctor_check_sync_units},
    {"space", ANY_HOST, doctor_check_space},
};

int command_doctor(int argc, char **argv)
{
    struct doctor d = {.root = geteuid() == 0};
    const struct option_row options[] = {OPTION_OUTPUT(&d.json), {0}};

    arguments_parse(argc, argv, options, 0);
    d.rows = json_new_array();
    doctor_find_parts(&d);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if ((checks[i].of == MODULE && !d.has_module) ||
            (checks[i].of == ISSUER && !d.has_issuer) ||
            (checks[i].of == EITHER && !d.has_module && !d.has_issuer))
            continue;
        d.check = checks[i].name;
        d.reported = false;
        checks[i].run(&d);
    }
    if (d.json)
        json_print(d.rows);
    json_object_put(d.rows);
    settings_clear(&d.settings);
    return d.problems ? EXIT_FAILURE : EXIT_SUCCESS;
}
