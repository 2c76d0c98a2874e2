/*
 * jwtd: the front end. HTTP in, one question to jwtd-issuer out. It has no keys, no PAM, no
 * OpenSSL and no privilege: whoever takes it over sees passwords pass by and can forge nothing.
 */
#include "jwtd/http/connection.h"
#include "jwtd/http/listener.h"
#include "jwtd/shared/messages.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>

#define SECOND UINT64_C(1000000)

static const char usage[] =
    "Usage: jwtd [OPTION...]\n"
    "Answers HTTP requests for login tokens on sockets that systemd passes (jwtd.socket,\n"
    "jwtd-tcp.socket), named \"http\" and \"tcp\".\n"
    "\n"
    "  --config=FILE    settings (default " POLICY_CONFIG ")\n"
    "  --issuer=SOCKET  of jwtd-issuer (default /run/jwtd/issuer.sock)\n"
    "  --public=DIR     what jwtd-issuer publishes (default /var/lib/jwt)\n"
    "  --check-config   read the settings, say what is wrong with them, exit\n"
    "  --version        print the version, exit\n"
    "  --help           print this, exit\n";

struct options {
    const char *config, *issuer, *public_dir;
    bool check_config;
};

/* False: the program is done, with this exit code. */
static bool read_options(int argc, char **argv, struct options *ret, int *ret_code)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"issuer", required_argument, NULL, 'i'},
        {"public", required_argument, NULL, 'p'},
        {"check-config", no_argument, NULL, 'k'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;

    *ret_code = EXIT_SUCCESS;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            ret->config = optarg;
            break;
        case 'i':
            ret->issuer = optarg;
            break;
        case 'p':
            ret->public_dir = optarg;
            break;
        case 'k':
            ret->check_config = true;
            break;
        case 'v':
            (void)puts("jwtd " JWT_VERSION);
            return false;
        case 'h':
            (void)fputs(usage, stdout);
            return false;
        default:
            *ret_code = 2;
            return false;
        }
    }
    if (optind == argc)
        return true;
    (void)fprintf(stderr, "jwtd takes no arguments but options; see --help.\n");
    *ret_code = 2;
    return false;
}

static int add_listeners(struct server *s)
{
    static const char *const names[SERVER_LISTENERS] = {"http", "tcp"};

    for (size_t i = 0; i < SERVER_LISTENERS; i++) {
        int fd = service_listener(names[i], SOCK_STREAM);

        if (fd == -ENOENT)
            continue;
        if (fd >= 0)
            fd = listener_add(s, fd);
        if (fd < 0) {
            LOG(LOG_ERR, MESSAGE_STARTED, "A listening socket can't be used",
                {"socket", names[i]}, {"cause", strerror(-fd)});
            return fd;
        }
    }
    if (s->n_listeners > 0)
        return 0;
    LOG(LOG_ERR, MESSAGE_STARTED,
        "No listening socket was passed: jwtd is started by systemd, with systemctl enable "
        "--now jwtd.socket");
    return -ENOENT;
}

static void end(struct server *s)
{
    while (s->connections)
        connection_free(s->connections);
    s->resume = sd_event_source_disable_unref(s->resume);
    for (size_t i = 0; i < s->n_listeners; i++)
        (void)sd_event_source_disable_unref(s->listeners[i]);
    server_clear(s);
    service_end(&s->service);
}

/* A connection takes two descriptors, and MaxConnections= can be more than the soft limit was
 * made for. What can't be had pauses accepting. */
static void raise_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(const struct options *options)
{
    CLEANUP(cleanup_free) struct server *s = calloc(1, sizeof(*s));
    int code = EXIT_FAILURE;

    if (!s || service_start(&s->service, "jwtd", options->config) < 0)
        return EXIT_FAILURE;
    if (getrandom(s->throttle.key, sizeof(s->throttle.key), 0) !=
        (ssize_t)sizeof(s->throttle.key)) {
        LOG(LOG_ERR, MESSAGE_STARTED, "No random bytes can be had", {"cause", strerror(errno)});
        return EXIT_FAILURE;
    }
    raise_limit();
    s->service.on_reload = server_reload;
    s->service.arg = s;
    s->issuer = options->issuer;
    s->public_dir = options->public_dir;
    s->metrics.started = service_wall() / SECOND;
    if (add_listeners(s) == 0)
        code = service_run(&s->service);
    end(s);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = {
        .config = POLICY_CONFIG,
        .issuer = "/run/jwtd/issuer.sock",
        .public_dir = "/var/lib/jwt",
    };
    int code;

    if (!read_options(argc, argv, &options, &code))
        return code;
    if (options.check_config)
        return service_check_config("jwtd", options.config);
    return serve(&options);
}
