/* The module, and the programs that use it: sudo, sshd, ssh. */
#include "common/base/text.h"
#include "common/token/host_key.h"
#include "jwtctl/doctor/doctor.h"

#include <glob.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>

#define LIBPAM_MODULES "{/usr/lib,/lib}{,64,/*}/security/pam_permit.so"
#define HOST_PRIVATE_KEYS "/etc/ssh/ssh_host_*_key"

/* Class, byte order and machine of an ELF file. */
static bool read_machine(const char *path, char ret[20])
{
    FILE *file = fopen(path, "re");
    bool ok = file && fread(ret, 1, 20, file) == 20;

    if (file)
        (void)fclose(file);
    return ok;
}

/* Beside libpam's own modules for programs such as this one: there may be others. */
static void find_module(struct doctor *d)
{
    char own[20], other[20];
    glob_t found;

    if (glob(LIBPAM_MODULES, GLOB_BRACE, NULL, &found) != 0 ||
        !read_machine("/proc/self/exe", own))
        return;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];

        if (!read_machine(path, other) || memcmp(own + 4, other + 4, 2) != 0 ||
            memcmp(own + 18, other + 18, 2) != 0)
            continue;
        (void)doctor_text(&d->module, "%.*s/pam_jwt.so", (int)(strrchr(path, '/') - path),
                          path);
        break;
    }
    globfree(&found);
}

void doctor_find_parts(struct doctor *d)
{
    static const char *const services[] = {"sshd", "sudo", "su", "login", "other"};

    find_module(d);
    d->has_module = access(d->module.text, F_OK) == 0;
    for (size_t i = 0; !d->has_module && i < sizeof(services) / sizeof(services[0]); i++)
        d->has_module = doctor_service_uses_module(services[i]);
    d->has_issuer = access(JWT_SBINDIR "/jwtd-issuer", F_OK) == 0 ||
                    access(JWT_UNITDIR "/jwtd-issuer.service", F_OK) == 0;
}

/* The dynamic linker of this program. */
static int get_linker(struct dl_phdr_info *program, size_t size, void *ret)
{
    (void)size;
    for (size_t i = 0; i < program->dlpi_phnum; i++)
        if (program->dlpi_phdr[i].p_type == PT_INTERP)
            *(char **)ret = (char *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr);
    return 1;
}

/* ld.so --list finds the libraries and runs nothing of the module, as dlopen() would. */
void doctor_check_module(struct doctor *d)
{
    CLEANUP(cleanup_free) char *output = NULL;
    const bool packaged = access("/var/lib/dpkg/info/libpam-jwt.list", F_OK) == 0;
    const char *install =
        packaged ? "apt-get install --reinstall libpam-jwt" : "meson install -C build/host";
    char *linker = NULL, list[] = "--list";

    if (!doctor_check_place(d, &(struct place){d->module.text, "root", install, false, 0644}))
        return;
    (void)dl_iterate_phdr(get_linker, &linker);
    if (doctor_run((char *[]){linker, list, d->module.text, NULL}, &output) != 0)
        doctor_problem(d, DOCTOR_ERROR, (struct advice){d->module.text, install},
                       "cannot be loaded: %s", output);
    doctor_ok(d, "%s", d->module.text);
}

void doctor_check_sudo(struct doctor *d)
{
    static const char remedy[] =
        "echo 'Defaults timestamp_timeout=0' >/etc/sudoers.d/jwt && chmod "
        "0440 /etc/sudoers.d/jwt";
    char sudo[] = "/usr/bin/sudo", version[] = "-V";
    CLEANUP(cleanup_free) char *output = NULL;
    struct slice timeout;
    double minutes;

    if (access(sudo, X_OK) != 0 || !doctor_service_uses_module("sudo"))
        return;
    if (doctor_run((char *[]){sudo, version, NULL}, &output) != 0 ||
        !(timeout = doctor_value(output, "Authentication timestamp timeout", ':')).p) {
        doctor_skip(d, d->root ? "this sudo does not show its timestamp_timeout"
                               : DOCTOR_NEEDS_ROOT);
        return;
    }
    minutes = strtod(timeout.p, NULL);
    if (minutes != 0)
        doctor_problem(d, DOCTOR_WARNING, (struct advice){"/etc/sudoers", remedy},
                       "sudo asks for no token for %.0f minutes after one, also after a logout "
                       "(timestamp_timeout)",
                       minutes);
    doctor_ok(d, "timestamp_timeout=0: sudo asks each time");
}

#define SSHD_CORRECT(line)                                                                     \
    "echo '" line "' >/etc/ssh/sshd_config.d/00-jwt.conf && systemctl reload-or-restart ssh"

void doctor_check_sshd(struct doctor *d)
{
    static const char where[] = "/etc/ssh/sshd_config";
    char sshd[] = "/usr/sbin/sshd", test[] = "-T";
    CLEANUP(cleanup_free) char *output = NULL;
    struct slice methods;

    if (access(sshd, X_OK) != 0 || !doctor_service_uses_module("sshd"))
        return;
    if (!d->root || doctor_run((char *[]){sshd, test, NULL}, &output) != 0) {
        doctor_skip(d, "%s", d->root ? output : DOCTOR_NEEDS_ROOT);
        return;
    }
    methods = doctor_value(output, "authenticationmethods", ' ');
    if (!slice_is(doctor_value(output, "usepam", ' '), "yes"))
        doctor_problem(d, DOCTOR_ERROR, (struct advice){where, SSHD_CORRECT("UsePAM yes")},
                       "UsePAM is off: sshd accepts no token");
    else if (!slice_is(doctor_value(output, "passwordauthentication", ' '), "yes") &&
             !slice_is(doctor_value(output, "kbdinteractiveauthentication", ' '), "yes"))
        doctor_problem(d, DOCTOR_ERROR,
                       (struct advice){where, SSHD_CORRECT("KbdInteractiveAuthentication yes")},
                       "PasswordAuthentication and KbdInteractiveAuthentication are off: sshd "
                       "asks for no token");
    else if (methods.p && !memmem(methods.p, methods.n, "any", 3) &&
             !memmem(methods.p, methods.n, "password", 8) &&
             !memmem(methods.p, methods.n, "keyboard-interactive", 20))
        doctor_problem(d, DOCTOR_ERROR, (struct advice){where, "man sshd_config"},
                       "AuthenticationMethods has neither password nor keyboard-interactive: "
                       "sshd asks for no token");
    doctor_ok(d, "sshd asks for a password or token, and uses PAM");
}

void doctor_check_ssh(struct doctor *d)
{
    char ssh[] = "/usr/bin/ssh", f[] = "-F", file[] = "/etc/ssh/ssh_config", g[] = "-G",
         host[] = "localhost";
    CLEANUP(cleanup_free) char *output = NULL;
    struct slice command;

    if (access(ssh, X_OK) != 0 || access(file, F_OK) != 0)
        return;
    if (doctor_run((char *[]){ssh, f, file, g, host, NULL}, &output) != 0) {
        doctor_problem(d, DOCTOR_ERROR, (struct advice){file, "ssh -G localhost"}, "%s",
                       output);
        return;
    }
    command = doctor_value(output, "knownhostscommand", ' ');
    if (command.p && !slice_is(command, "none"))
        doctor_problem(d, DOCTOR_WARNING,
                       (struct advice){file,
                                       "sed -i '/KnownHostsCommand/Id' /etc/ssh/ssh_config "
                                       "/etc/ssh/ssh_config.d/*.conf"},
                       "KnownHostsCommand is set: jwtctl run gives ssh no token");
    if (!doctor_value(output, "pubkeyacceptedalgorithms", ' ').p)
        doctor_problem(d, DOCTOR_WARNING,
                       (struct advice){ssh, "apt-get install openssh-client"},
                       "is older than 8.5: jwtctl run gives it no token");
    doctor_ok(d, "jwtctl run can give ssh tokens");
}

/* Reports a key that does not count. */
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
    doctor_problem(d, DOCTOR_ERROR, (struct advice){public.text, remedy.text},
                   "tokens that are bound to this SSH key are refused: %s", errmsg.text);
    return false;
}

void doctor_check_host_keys(struct doctor *d)
{
    unsigned n = 0;
    glob_t found;

    if (glob(HOST_PRIVATE_KEYS, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            n += check_host_key(d, found.gl_pathv[i]);
        globfree(&found);
    }
    doctor_ok(d, "%u SSH keys of this host, to which tokens can be bound", n);
}
