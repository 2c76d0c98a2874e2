/* jwtd-issuer: keys, tokens and sessions. See jwtd/README.md. */
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/listen.h"
#include "jwtd/issuer/load.h"
#include "jwtd/issuer/state.h"
#include "jwtd/issuer/turn.h"
#include "jwtd/shared/options.h"

#include <grp.h>
#include <pwd.h>
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

/* SQLite makes files beside the store: they must not be root's. */
static bool leave_root(struct errmsg *errmsg)
{
    const struct passwd *user = getpwnam("jwtd-issuer");

    if (geteuid() != 0 || (user && setgroups(0, NULL) == 0 && setgid(user->pw_gid) == 0 &&
                           setuid(user->pw_uid) == 0))
        return true;
    (void)errmsg_set(errmsg, TOK_FILE, "cannot change to the user jwtd-issuer: %s",
                     user ? strerrordesc_np(errno) : "there is no such user");
    return false;
}

static int check_store(const char *config, const char *state)
{
    CLEANUP(settings_clear) struct settings settings = {0};
    CLEANUP(cleanup_free) char *path = NULL;
    struct errmsg errmsg = {""};

    if (leave_root(&errmsg) && settings_load(config, &settings, &errmsg) == TOK_OK &&
        load_store_path(&settings, state, &path) == TOK_OK &&
        store_check(path, &errmsg) == TOK_OK) {
        printf("%s: no error found\n", path);
        return EXIT_SUCCESS;
    }
    printf("%s\n", errmsg.text[0] ? errmsg.text : "out of memory");
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const char *config, *asker = "jwtd", *state = "/var/lib/jwtd-issuer";
    const char *public_dir = "/var/lib/jwt", *login = "/run/jwtd/login.sock";
    const char *modules = MODULES_DIR;
    bool init = false, check = false;
    const struct daemon_option options[] = {
        {"state", &state, NULL},
        {"public", &public_dir, NULL},
        {"login", &login, NULL},
        {"asker", &asker, NULL},
        {"modules", &modules, NULL},
        {"init", NULL, &init},
        {"check-store", NULL, &check},
        {0},
    };
    const struct daemon_program program = {"jwtd-issuer", usage, options};
    CLEANUP(cleanup_free) struct loop *l = NULL;
    struct own_bundle bundle = {0};
    int code;

    if (!daemon_options_read(argc, argv, &program, &config, &code))
        return code;
    if (check)
        return check_store(config, state);
    l = calloc(1, sizeof(*l));
    if (!l || asprintf(&l->issuer.keys_dir, "%s/keys", state) < 0 ||
        asprintf(&bundle.dir, "%s/bundle", state) < 0)
        return EXIT_FAILURE;
    l->issuer.state_dir = state;
    l->issuer.public_dir = public_dir;
    l->issuer.modules_dir = modules;
    l->issuer.bundle = &bundle;
    l->issuer.login = (struct login_client){.service = &l->issuer.service,
                                            .socket = login,
                                            .on_reply = listen_login_reply,
                                            .arg = l};
    return serve(l, config, asker, init);
}
