/*
 * jwtd: the HTTP front end of jwtd-issuer. It has no keys, no PAM, no OpenSSL and no
 * privileges: an attacker who takes it over sees the passwords and tokens that pass through it,
 * and can forge none. See jwtd/README.md.
 */
#include "common/base/timespan.h"
#include "jwtd/http/driver.h"
#include "jwtd/shared/options.h"

static const char usage[] =
    "Usage: jwtd [OPTION...]\n"
    "Serves the HTTP API for login tokens on the sockets that systemd passes as \"http\" and\n"
    "\"tcp\" (jwtd.socket, jwtd-tcp.socket). See jwtd(8).\n"
    "\n"
    "  --config=FILE    settings file (default " POLICY_CONFIG ")\n"
    "  --issuer=SOCKET  socket of jwtd-issuer (default /run/jwtd/issuer.sock)\n"
    "  --public=DIR     directory that jwtd-issuer publishes to (default /var/lib/jwt)\n"
    "  --check-config   check the settings file and exit\n"
    "  --version        print the version and exit\n"
    "  --help           print this help and exit\n";

static void end(struct server *s)
{
    driver_end(s);
    log_limit_end(&s->refusals);
    server_clear(s);
    service_end(&s->service);
}

static int serve(const char *config, const char *issuer, const char *public_dir)
{
    CLEANUP(cleanup_free) struct server *s = calloc(1, sizeof(*s));
    int code = EXIT_FAILURE;

    if (!s || service_start(&s->service, "jwtd", config) < 0)
        return EXIT_FAILURE;
    arc4random_buf(s->throttle.key, sizeof(s->throttle.key));
    service_raise_files(); /* a connection takes two: MaxConnections= can exceed the limit */
    s->service.on_reload = server_reload;
    s->service.arg = s;
    s->refusals.loop = s->service.loop;
    s->issuer = issuer;
    s->public_dir = public_dir;
    s->metrics.started = service_wall() / SECOND;
    if (driver_start(s))
        code = service_run(&s->service);
    end(s);
    return code;
}

int main(int argc, char **argv)
{
    const char *config, *issuer = "/run/jwtd/issuer.sock", *public_dir = "/var/lib/jwt";
    const struct daemon_option options[] = {
        {"issuer", &issuer, NULL}, {"public", &public_dir, NULL}, {0}};
    const struct daemon_program program = {"jwtd", usage, options};
    int code;

    if (!daemon_options_read(argc, argv, &program, &config, &code))
        return code;
    return serve(config, issuer, public_dir);
}
