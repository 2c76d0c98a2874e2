/* jwtd-issuer: keys, tokens and sessions. See jwtd/README.md. */
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/listen.h"
#include "jwtd/issuer/maintain.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/options.h"

#include <stdio.h>

static const char usage[] =
    "Usage: jwtd-issuer [OPTION...]\n"
    "Signs tokens and stores their sessions, for jwtd on the socket that systemd passes as\n"
    "\"issuer\" (jwtd-issuer.socket), and for root's jwtctl on the socket \"admin\"\n"
    "(jwtd-issuer-admin.socket). See jwtd-issuer(8).\n"
    "\n"
    "  --config=FILE    settings file (default " POLICY_CONFIG ")\n"
    "  --state=DIR      directory of keys and store (default /var/lib/jwtd-issuer)\n"
    "  --public=DIR     directory to publish to (default /var/lib/jwt)\n"
    "  --login=SOCKET   socket of jwtd-login (default /run/jwtd/login.sock)\n"
    "  --modules=DIR    directory of postgresql.so (default " MODULES_DIR ")\n"
    "  --asker=USER     user that jwtd runs as (default jwtd)\n"
    "  --init           create the first key, write the public files and exit\n"
    "  --check-config   check the settings file and exit\n"
    "  --check-store    check the session store and exit\n"
    "  --migrate-store  create or migrate the tables of a database and exit\n"
    "  --copy-store=FILE\n"
    "                   copy an SQLite store into a database and exit\n"
    "  --database=URL   for these three, instead of Database= of the settings\n"
    "  --grant=ROLE     to migrate: let the role of the issuers use the tables\n"
    "  --version        print the version and exit\n"
    "  --help           print this help and exit\n";

static int run(struct loop *l, const char *asker)
{
    struct rate_table *const tables[] = {&l->attempts.failures, &l->attempts.logins,
                                         &l->frequent_users};
    uid_t uid;
    int r;

    if (!service_find_asker(asker, &uid))
        return EXIT_FAILURE;
    for (size_t i = 0; i < 3; i++)
        arc4random_buf(tables[i]->key, sizeof(tables[i]->key));
    l->check_slots = service_processors() + 1;
    service_raise_files();
    r = turn_init(l);
    if (r >= 0)
        r = listen_start(l, uid);
    if (r == -ENOENT)
        return service_cannot_start(
            "systemd did not pass the SOCK_SEQPACKET sockets named \"issuer\" and "
            "\"admin\": start jwtd-issuer.socket, which starts "
            "jwtd-issuer-admin.socket");
    if (r < 0)
        return service_cannot_start(strerrordesc_np(-r));
    l->issuer.is_daemon = true;
    l->failed_logins.loop = l->refusals.loop = l->frequent.loop = l->issuer.service.loop;
    (void)state_ready(&l->issuer); /* publishes what a crash left unpublished */
    return service_run(&l->issuer.service);
}

static int serve(struct loop *l, const char *config, const char *asker, bool init)
{
    struct issuer *x = &l->issuer;
    int code;

    if (service_start(&x->service, "jwtd-issuer", config) < 0)
        return EXIT_FAILURE;
    x->service.on_reload = state_reload;
    x->service.arg = x;
    loop_init(l);
    TAILQ_INIT(&x->login.inquiries);
    if (init)
        code = state_ready(x) ? EXIT_SUCCESS : EXIT_FAILURE;
    else
        code = run(l, asker);
    loop_end(l);
    log_limit_end(&l->failed_logins);
    log_limit_end(&l->refusals);
    log_limit_end(&l->frequent);
    login_client_end(&x->login);
    state_end(x);
    service_end(&x->service);
    return code;
}

int main(int argc, char **argv)
{
    struct maintenance m = {.state_dir = "/var/lib/jwtd-issuer", .modules_dir = MODULES_DIR};
    const char *asker = "jwtd", *public_dir = "/var/lib/jwt", *login = "/run/jwtd/login.sock";
    bool init = false;
    const struct daemon_option options[] = {
        {"state", &m.state_dir, NULL},     {"public", &public_dir, NULL},
        {"login", &login, NULL},           {"asker", &asker, NULL},
        {"modules", &m.modules_dir, NULL}, {"init", NULL, &init},
        {"check-store", NULL, &m.check},   {"migrate-store", NULL, &m.migrate},
        {"database", &m.database, NULL},   {"grant", &m.role, NULL},
        {"copy-store", &m.copy, NULL},     {0},
    };
    const struct daemon_program program = {"jwtd-issuer", usage, options};
    CLEANUP(cleanup_free) struct loop *l = NULL;
    struct own_bundle bundle = {0};
    int code;

    if (!daemon_options_read(argc, argv, &program, &m.config, &code))
        return code;
    if (m.check || m.migrate || m.copy)
        return maintain(&m);
    l = calloc(1, sizeof(*l));
    if (!l || asprintf(&l->issuer.keys_dir, "%s/keys", m.state_dir) < 0 ||
        asprintf(&bundle.dir, "%s/bundle", m.state_dir) < 0)
        return EXIT_FAILURE;
    l->issuer.state_dir = m.state_dir;
    l->issuer.public_dir = public_dir;
    l->issuer.modules_dir = m.modules_dir;
    l->issuer.bundle = &bundle;
    l->issuer.login = (struct login_client){.service = &l->issuer.service,
                                            .socket = login,
                                            .on_reply = listen_login_reply,
                                            .arg = l};
    return serve(l, m.config, asker, init);
}
