/* The module, and the programs that use it: sudo, sshd, ssh. */
#include "common/token/host_key.h"
#include "jwtctl/doctor/doctor.h"

#include <glob.h>

#define LIBPAM_MODULES "{/usr/lib,/lib}{,64,/*}/security/pam_permit.so"
#define HOST_PRIVATE_KEYS "/etc/ssh/ssh_host_*_key"
#define SUDO "/usr/bin/sudo"
#define SSH "/usr/bin/ssh"
#define SSH_CONFIG "/etc/ssh/ssh_config"
#define SSHD "/usr/sbin/sshd"
/* Match blocks apply to a login: of a user to whom no special rule applies. */
#define SSHD_LOGIN "user=none,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSHD_CORRECT(line)                                                                     \
    "echo '" line "' >" SSHD_CONFIG ".d/00-jwt.conf && systemctl reload-or-restart ssh"

/* Beside libpam's own modules; there may be some of another architecture. */
static void find_module(struct doctor *d)
{
    glob_t found;

    if (glob(LIBPAM_MODULES, GLOB_BRACE, NULL, &found) != 0)
        return;
    for (size_t i = 0; i < found.gl_pathc && !d->has_module; i++) {
        const char *path = found.gl_pathv[i];
        struct doctor_text module;

        (void)doctor_text(&module, "%.*s/pam_jwt.so", (int)(strrchr(path, '/') - path), path);
        d->has_module = access(module.text, F_OK) == 0;
        if (i == 0 || d->has_module)
            d->module = module;
    }
    globfree(&found);
}

void doctor_find_parts(struct doctor *d)
{
    static const char *const services[] = {"sshd", "sudo", "su", "login", "other"};

    find_module(d);
    for (size_t i = 0; !d->has_module && i < sizeof(services) / sizeof(services[0]); i++)
        d->has_module = doctor_service_uses_module(services[i]);
    d->has_issuer = access(JWT_SBINDIR "/jwtd-issuer", F_OK) == 0 ||
                    access(JWT_UNITDIR "/jwtd-issuer.service", F_OK) == 0;
}

/* ldd(1) finds the libraries and runs nothing of the module, as dlopen() would. */
void doctor_check_module(struct doctor *d)
{
    CLEANUP(cleanup_free) char *output = NULL;
    const bool packaged = access("/var/lib/dpkg/info/libpam-jwt.list", F_OK) == 0;
    const struct place place = {.path = d->module.text,
                                .owner = "root",
                                .mode = 0644,
                                .make = packaged ? "apt-get install --reinstall libpam-jwt"
                                                 : "meson install -C build/host"};

    if (!doctor_check_place(d, &place))
        return;
    if (DOCTOR_RUN(&output, "/usr/bin/ldd", place.path) != 0 || strstr(output, "not found"))
        doctor_report(d, DOCTOR_ERROR, (struct advice){place.path, place.make},
                      "cannot be loaded: %s", output);
    doctor_ok(d, "%s", place.path);
}

void doctor_check_sudo(struct doctor *d)
{
    static const char remedy[] = "echo 'Defaults timestamp_timeout=0' >/etc/sudoers.d/jwt && "
                                 "chmod 0440 /etc/sudoers.d/jwt";
    CLEANUP(cleanup_free) char *output = NULL;
    struct slice timeout = {NULL, 0};
    struct doctor_text value;
    double minutes;

    if (!doctor_service_uses_module("sudo") || access(SUDO, X_OK) != 0)
        return;
    if (DOCTOR_RUN(&output, SUDO, "-V") == 0)
        timeout = doctor_value(output, "Authentication timestamp timeout", ':');
    minutes = timeout.p ? strtod(timeout.p, NULL) : 0;
    if (!timeout.p)
        doctor_skip(d, "%s",
                    d->root ? "this sudo does not show its timestamp_timeout"
                            : DOCTOR_NEEDS_ROOT);
    else if (minutes != 0)
        doctor_report(d, DOCTOR_WARNING, (struct advice){"/etc/sudoers", remedy},
                      "timestamp_timeout is %s, expected 0: sudo does not ask again %s, even "
                      "after a logout",
                      minutes < 0 ? "negative" : doctor_text(&value, "%.0f minutes", minutes),
                      minutes < 0 ? "until the next boot" : "in this time");
    doctor_ok(d, "timestamp_timeout is 0: sudo asks each time");
}

static bool has_yes(const char *output, const char *name)
{
    return slice_is(doctor_value(output, name, ' '), "yes");
}

void doctor_check_sshd(struct doctor *d)
{
    CLEANUP(cleanup_free) char *output = NULL;

    if (!doctor_service_uses_module("sshd") || access(SSHD, X_OK) != 0)
        return;
    if (!d->root || DOCTOR_RUN(&output, SSHD, "-T", "-C", SSHD_LOGIN) != 0)
        doctor_skip(d, "%s", d->root ? output : DOCTOR_NEEDS_ROOT);
    else if (!has_yes(output, "usepam"))
        doctor_report(d, DOCTOR_ERROR, (struct advice){SSHD_CONFIG, SSHD_CORRECT("UsePAM yes")},
                      "UsePAM is off: sshd accepts no token");
    else if (!has_yes(output, "passwordauthentication") &&
             !has_yes(output, "kbdinteractiveauthentication"))
        doctor_report(
            d, DOCTOR_ERROR,
            (struct advice){SSHD_CONFIG, SSHD_CORRECT("KbdInteractiveAuthentication yes")},
            "PasswordAuthentication and KbdInteractiveAuthentication are off: sshd does not "
            "ask for a token");
    doctor_ok(d, "sshd uses PAM and asks for a password or token");
}

void doctor_check_ssh(struct doctor *d)
{
    static const char remedy[] =
        "sed -i /KnownHostsCommand/Id " SSH_CONFIG " " SSH_CONFIG ".d/*.conf";
    CLEANUP(cleanup_free) char *output = NULL;
    struct slice command;

    if (access(SSH, X_OK) != 0 || access(SSH_CONFIG, F_OK) != 0)
        return;
    if (DOCTOR_RUN(&output, SSH, "-F", SSH_CONFIG, "-G", "localhost") != 0)
        doctor_report(d, DOCTOR_ERROR, (struct advice){SSH_CONFIG, "ssh -G localhost"}, "%s",
                      output);
    command = doctor_value(output, "knownhostscommand", ' ');
    if (command.p && !slice_is(command, "none"))
        doctor_report(d, DOCTOR_WARNING, (struct advice){SSH_CONFIG, remedy},
                      "KnownHostsCommand is set: jwtctl run gives ssh no token");
    doctor_ok(d, "jwtctl run can give ssh tokens");
}

/* Reports a key to which tokens cannot be bound. */
static bool check_host_key(struct doctor *d, const char *private)
{
    struct doctor_text public, remedy;
    struct errmsg errmsg = {""};
    char key[HOST_KEY_LEN + 1];

    (void)doctor_text(&public, "%s.pub", private);
    if (host_key_any(public.text, key, &errmsg) == TOK_OK)
        return true;
    if (access(public.text, F_OK) != 0)
        (void)doctor_text(&remedy, "ssh-keygen -y -f %s >%s", private, public.text);
    else
        (void)doctor_text(&remedy, "chown root: %s && chmod 0644 %s", public.text, public.text);
    doctor_report(d, DOCTOR_ERROR, (struct advice){public.text, remedy.text},
                  "tokens that are bound to this SSH key are refused: %s", errmsg.text);
    return false;
}

/* A host does not see the keys of others, but that its own came with an image or a copy: it got
 * its machine-id later. */
static void check_host_key_age(struct doctor *d, const char *private)
{
    static const char remedy[] =
        "rm /etc/ssh/ssh_host_*_key*; ssh-keygen -A && systemctl try-reload-or-restart ssh";
    struct stat machine, key;

    if (stat("/etc/machine-id", &machine) == 0 && stat(private, &key) == 0 &&
        key.st_mtime < machine.st_mtime)
        doctor_report(
            d, DOCTOR_WARNING, (struct advice){private, remedy},
            "is older than /etc/machine-id: if this host was made from an image or "
            "is a copy, others have this key, and tokens bound to it are for them, too");
}

void doctor_check_host_keys(struct doctor *d)
{
    unsigned n = 0;
    glob_t found;

    if (glob(HOST_PRIVATE_KEYS, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            n += check_host_key(d, found.gl_pathv[i]);
            check_host_key_age(d, found.gl_pathv[i]);
        }
        globfree(&found);
    }
    doctor_ok(d, "SSH keys of this host to which tokens can be bound: %u", n);
}
