/* jwtd-login: is this the password, is this account usable. See ../README.md. */
#include "jwtd/login/serve.h"
#include "jwtd/shared/messages.h"

#include <getopt.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CHILDREN_MIN 4

struct options {
    const char *config, *service, *confdir, *asker;
    bool check_config;
};

static void usage(FILE *out)
{
    (void)fputs("usage: jwtd-login [--config=FILE] [--service=NAME] [--confdir=DIR]\n"
                "                  [--asker=USER] [--check-config] [--version] [--help]\n"
                "\n"
                "Answers jwtd-issuer: is this the password, is this account usable.\n"
                "systemd starts it, at the first question. See jwtd-login(8).\n",
                out);
}

/* True when the program goes on; otherwise *ret_code is its exit status. */
static bool read_options(int argc, char **argv, struct options *o, int *ret_code)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'},  {"service", required_argument, NULL, 's'},
        {"confdir", required_argument, NULL, 'd'}, {"asker", required_argument, NULL, 'a'},
        {"check-config", no_argument, NULL, 'k'},  {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 's':
            o->service = optarg;
            break;
        case 'd':
            o->confdir = optarg;
            break;
        case 'a':
            o->asker = optarg;
            break;
        case 'k':
            o->check_config = true;
            break;
        case 'v':
            (void)puts("jwtd-login " JWT_VERSION);
            *ret_code = EXIT_SUCCESS;
            return false;
        case 'h':
            usage(stdout);
            *ret_code = EXIT_SUCCESS;
            return false;
        default:
            usage(stderr);
            *ret_code = 2;
            return false;
        }
    }
    if (optind == argc && !strchr(o->service, '/'))
        return true;
    usage(stderr);
    *ret_code = 2;
    return false;
}

/* A hash keeps one processor busy: more at once only make each slower. */
static unsigned children_max(void)
{
    cpu_set_t set;
    unsigned n = 1;

    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        n = (unsigned)CPU_COUNT(&set);
    return 2 * n > CHILDREN_MIN ? 2 * n : CHILDREN_MIN;
}

static int block_child_signal(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

static int fail(const char *cause)
{
    LOG(LOG_ERR, MESSAGE_STARTED, "Can't start", {"cause", cause});
    return EXIT_FAILURE;
}

static int run(struct service *service, const struct options *o)
{
    struct server server = {
        .service = service,
        .pam = o->service,
        .confdir = o->confdir,
        .children_max = children_max(),
    };
    const struct passwd *pw = getpwnam(o->asker);
    int fd, r, code;

    if (!pw)
        return fail("there is no user of the name --asker gives");
    server.asker = pw->pw_uid;
    fd = service_listener("login", SOCK_SEQPACKET);
    if (fd < 0)
        return fail("no SOCK_SEQPACKET listener named login was passed");
    r = block_child_signal();
    if (r == 0)
        r = serve_start(&server, fd);
    code = r < 0 ? fail(strerrordesc_np(-r)) : service_run(service);
    serve_end(&server);
    return code;
}

int main(int argc, char **argv)
{
    struct options o = {
        .config = POLICY_CONFIG,
        .service = "jwtd",
        .asker = "jwtd-issuer",
    };
    struct service service;
    int code;

    if (!read_options(argc, argv, &o, &code))
        return code;
    if (o.check_config)
        return service_check_config("jwtd-login", o.config);
    if (service_start(&service, "jwtd-login", o.config) < 0)
        return EXIT_FAILURE;
    code = run(&service, &o);
    service_end(&service);
    return code;
}
