/* jwtd-login: checks passwords and accounts for jwtd-issuer. See jwtd/README.md. */
#include "jwtd/login/serve.h"
#include "jwtd/shared/options.h"
#include "jwtd/shared/wire.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char usage[] =
    "Usage: jwtd-login [OPTION...]\n"
    "Checks passwords with PAM and accounts with NSS for jwtd-issuer, on the socket that\n"
    "systemd passes as \"login\" (jwtd-login.socket). See jwtd-login(8).\n"
    "\n"
    "  --config=FILE    settings file (default " POLICY_CONFIG ")\n"
    "  --service=NAME   PAM service (default jwtd)\n"
    "  --confdir=DIR    directory of the PAM service file (default /etc/pam.d)\n"
    "  --asker=USER     user that jwtd-issuer runs as (default jwtd-issuer)\n"
    "  --check-config   check the settings file and exit\n"
    "  --version        print the version and exit\n"
    "  --help           print this help and exit\n";

static int block_child_signal(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int run(struct login_server *server, const char *asker)
{
    int fd, r, code;

    if (!service_find_asker(asker, &server->asker))
        return EXIT_FAILURE;
    fd = service_listener("login", SOCK_SEQPACKET);
    if (fd < 0)
        return service_cannot_start(
            "systemd passed no SOCK_SEQPACKET socket named \"login\": start jwtd-login.socket");
    r = block_child_signal();
    if (r == 0)
        r = serve_start(server, fd);
    code = r < 0 ? service_cannot_start(strerrordesc_np(-r)) : service_run(server->service);
    serve_end(server);
    return code;
}

int main(int argc, char **argv)
{
    const char *config, *asker = "jwtd-issuer";
    struct service service;
    struct login_server server = {
        .service = &service,
        .pam = "jwtd",
        .passwords = {.max = service_processors() + 1}, /* a hash occupies a processor */
        .accounts = {.max = WIRE_ACCOUNTS_MAX},
    };
    const struct daemon_option options[] = {
        {"service", &server.pam, NULL},
        {"confdir", &server.confdir, NULL},
        {"asker", &asker, NULL},
        {0},
    };
    const struct daemon_program program = {"jwtd-login", usage, options};
    int code;

    if (!daemon_options_read(argc, argv, &program, &config, &code))
        return code;
    if (strchr(server.pam, '/')) {
        (void)fprintf(stderr, "jwtd-login: --service must be a name without a slash\n");
        return 2;
    }
    if (service_start(&service, "jwtd-login", config) < 0)
        return EXIT_FAILURE;
    code = run(&server, asker);
    service_end(&service);
    return code;
}
