/* jwtd-issuer: keys, tokens, sessions. See ../README.md. */
#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/listen.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/messages.h"

#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#define FILES_MAX 4096 /* twice listen.c's connections, and some */

struct options {
    const char *config, *state, *public, *login, *asker;
    bool init, check_config;
};

static void usage(FILE *out)
{
    (void)fputs("usage: jwtd-issuer [--config=FILE] [--state=DIR] [--public=DIR]\n"
                "                   [--login=SOCKET] [--asker=USER]\n"
                "                   [--init] [--check-config] [--version] [--help]\n"
                "\n"
                "Makes tokens and keeps their sessions. systemd starts it, at the first\n"
                "question. --init makes the first key, publishes, and exits.\n",
                out);
}

/* Options with a value. */
static bool set_option(struct options *o, int c)
{
    switch (c) {
    case 'c':
        o->config = optarg;
        return true;
    case 's':
        o->state = optarg;
        return true;
    case 'p':
        o->public = optarg;
        return true;
    case 'l':
        o->login = optarg;
        return true;
    case 'a':
        o->asker = optarg;
        return true;
    default:
        return false;
    }
}

/* True when the program goes on; otherwise *ret_code is its exit status. */
static bool read_options(int argc, char **argv, struct options *o, int *ret_code)
{
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'}, {"state", required_argument, NULL, 's'},
        {"public", required_argument, NULL, 'p'}, {"login", required_argument, NULL, 'l'},
        {"asker", required_argument, NULL, 'a'},  {"init", no_argument, NULL, 'i'},
        {"check-config", no_argument, NULL, 'k'}, {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int c;

    *ret_code = EXIT_SUCCESS;
    while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0) {
        if (c == 'v') {
            (void)puts("jwtd-issuer " JWT_VERSION);
            return false;
        }
        if (c == 'h') {
            usage(stdout);
            return false;
        }
        if (c == 'i')
            o->init = true;
        else if (c == 'k')
            o->check_config = true;
        else if (!set_option(o, c))
            break;
    }
    if (c < 0 && optind == argc)
        return true;
    usage(stderr);
    *ret_code = 2;
    return false;
}

static int fail(const char *cause)
{
    LOG(LOG_ERR, MESSAGE_STARTED, "Can't start", {"cause", cause});
    return EXIT_FAILURE;
}

static void raise_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_MAX)
        return;
    limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int prepare(struct issuer *x)
{
    uint8_t key[ATTEMPTS_KEY_LEN];

    if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return -EIO;
    x->attempts = attempts_new(key);
    if (!x->attempts)
        return -ENOMEM;
    raise_files();
    return turn_init(x);
}

static int run(struct issuer *x, const struct options *o)
{
    const struct passwd *pw;
    int fd, r;

    if (o->init)
        return state_ready(x) ? EXIT_SUCCESS : EXIT_FAILURE;
    pw = getpwnam(o->asker);
    if (!pw)
        return fail("there is no user of the name --asker gives");
    x->asker = pw->pw_uid;
    fd = service_listener("issuer", SOCK_SEQPACKET);
    if (fd < 0)
        return fail("no SOCK_SEQPACKET listener named issuer was passed");
    r = prepare(x);
    if (r >= 0)
        r = listen_start(x, fd);
    if (r < 0)
        return fail(strerrordesc_np(-r));
    x->alone = true;
    /* What a crash left unpublished is published before the first answer. */
    (void)state_ready(x);
    return service_run(&x->service);
}

int main(int argc, char **argv)
{
    struct options o = {
        .config = POLICY_CONFIG,
        .state = "/var/lib/jwtd-issuer",
        .public = "/var/lib/jwt",
        .login = "/run/jwtd/login.sock",
        .asker = "jwtd",
    };
    CLEANUP(cleanup_free) struct issuer *x = NULL;
    int code;

    if (!read_options(argc, argv, &o, &code))
        return code;
    if (o.check_config)
        return service_check_config("jwtd-issuer", o.config);
    x = calloc(1, sizeof(*x));
    if (!x || service_start(&x->service, "jwtd-issuer", o.config) < 0)
        return EXIT_FAILURE;
    x->service.on_reload = state_reload;
    x->service.arg = x;
    x->state_dir = o.state;
    x->public_dir = o.public;
    x->login_socket = o.login;
    listen_init(x);
    code = run(x, &o);
    listen_end(x);
    accounts_end(&x->accounts);
    attempts_free(x->attempts);
    turn_end(x);
    state_end(x);
    service_end(&x->service);
    return code;
}
