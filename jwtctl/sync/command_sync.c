/* jwtctl sync: which issuer this host is synchronised with. */
#include "common/token/synced.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"
#include "jwtctl/sync/sync.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

struct sync_options {
    const char *add, *root;
    word_list trust, audience;
    bool list, remove, reset, json;
};

/* An option that may be given more than once. */
struct words_option {
    word_list *to;
    bool (*valid)(struct slice word);
    const char *form;
};

static void parse_word(const char *command, const char *value, void *arg)
{
    const struct words_option *option = arg;

    if (!option->valid(slice_of(value)))
        bad_usage(command, "'%s': expected %s", value, option->form);
    if (word_list_add(option->to, slice_of(value)) != TOK_OK)
        out_of_memory();
}

/* False below another root. */
static bool has_units(const struct sync_host *host)
{
    return !host->root[0] && access("/run/systemd/system", F_OK) == 0;
}

/* True when the program succeeded. Below another root nothing is started. ret may be NULL. */
static bool run_unit_command(const struct sync_host *host, const char *const argv[], char **ret)
{
    CLEANUP(cleanup_free) char *output = NULL;
    bool ok = true;

    if (has_units(host))
        ok = doctor_run(argv, &output) == 0;
    if (ret) {
        *ret = output;
        output = NULL;
    }
    return ok;
}

#define RUN(host, ret, ...)                                                                    \
    run_unit_command(host, (const char *const[]){__VA_ARGS__, NULL}, ret)
#define SYSTEMCTL(host, ret, ...) RUN(host, ret, "/usr/bin/systemctl", "--quiet", __VA_ARGS__)
#define FETCH "jwt-sync-fetch.service"
#define INSTALL "jwt-sync-install.service"

/* A start of FETCH ends with its first poll. */
static int synchronise(const struct sync_host *host)
{
    CLEANUP(cleanup_free) char *fetch = NULL;
    CLEANUP(cleanup_free) char *started = NULL;
    CLEANUP(cleanup_free) char *log = NULL;
    const char *line;

    /* A run that is in progress may have read other settings, or an older list. */
    (void)SYSTEMCTL(host, NULL, "stop", FETCH, INSTALL);
    if (SYSTEMCTL(host, &fetch, "start", FETCH) && SYSTEMCTL(host, &started, "start", INSTALL))
        return EXIT_SUCCESS;
    (void)RUN(host, NULL, "/usr/bin/journalctl", "--sync");
    (void)RUN(host, &log, "/usr/bin/journalctl", "--quiet", "--no-pager", "--output=cat",
              "--priority=err", "--since=-10s", "--lines=1", "--identifier=jwt-sync-fetch",
              "--identifier=jwt-sync-install");
    line = log && *log ? log : started ? started : fetch ? fetch : "";
    print_error("the synchronisation failed: %.*s", (int)strcspn(line, "\n"), line);
    return EXIT_FAILURE;
}

static enum tok_err write_reset(const struct sync_host *host, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNC_RESET);

    return file_write(path, SLICE(""), 0644, errmsg);
}

static enum tok_err write_drop_in(const struct sync_host *host, const struct sync_options *o,
                                  struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNC_DROP_IN);
    CLEANUP(cleanup_free) char *trust = NULL;
    CLEANUP(cleanup_free) char *audience = NULL;
    CLEANUP(cleanup_free) char *text = NULL;

    if (word_list_format(o->trust, ' ', &trust) ||
        word_list_format(o->audience, ' ', &audience))
        out_of_memory();
    if (asprintf(&text,
                 "# Written by jwtctl sync --add; see jwtctl-sync(8).\n"
                 "[Sync]\nURL=%s\nTrust=%s\n%s%s%s"
                 "[Token]\nRevokedMaxAge=1h\n",
                 o->add, trust, *audience ? "Audience=" : "", audience,
                 *audience ? "\n" : "") < 0)
        out_of_memory();
    return file_write(path, slice_of(text), 0644, errmsg);
}

static int sync_add(struct sync_host *host, const struct sync_options *o)
{
    CLEANUP(cleanup_free) char *config = sync_path(host, POLICY_CONFIG);
    CLEANUP(cleanup_free) char *output = NULL;
    const char *before;
    struct errmsg errmsg;
    enum tok_err err = sync_refuse_issuer(host, &errmsg);

    if (!err)
        err = settings_load(config, &host->settings, &errmsg);
    if (err)
        return print_failure(EXIT_CONFIG, &errmsg);
    before = host->settings.sync.url;
    if (before && strcmp(before, o->add) != 0) {
        print_error("this host is synchronised with %s; to use another issuer, first: jwtctl "
                    "sync --remove",
                    before);
        return EXIT_FAILURE;
    }
    err = write_drop_in(host, o, &errmsg);
    if (!err && o->reset)
        err = write_reset(host, &errmsg);
    if (err)
        return print_failure(EXIT_FAILURE, &errmsg);
    if (!SYSTEMCTL(host, &output, "enable", "--now", "jwt-sync.timer")) {
        print_error("jwt-sync.timer cannot be started: %s", output);
        return EXIT_FAILURE;
    }
    return synchronise(host);
}

static int remove_file(const struct sync_host *host, const char *name)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, name);

    if (unlink(path) == 0 || errno == ENOENT)
        return EXIT_SUCCESS;
    print_error("%s: cannot remove: %s", path, strerror(errno));
    return EXIT_FAILURE;
}

/* Without the drop-in there is no RevokedMaxAge=, and nothing to remove: it goes last, when
 * tokens of the issuer are refused. */
static int sync_remove(struct sync_host *host)
{
    static const char *const files[] = {
        POLICY_KEYS, POLICY_PINNED,        POLICY_REVOKED,        SYNC_STATE_DIR "/state",
        SYNC_RESET,  SYNC_SPOOL "/bundle", SYNC_SPOOL "/revoked", SYNCED_PATH};
    CLEANUP(cleanup_free) char *drop_in = sync_path(host, SYNC_DROP_IN);
    int status = EXIT_SUCCESS;
    struct errmsg errmsg;

    if (sync_refuse_issuer(host, &errmsg) != TOK_OK)
        return print_failure(EXIT_CONFIG, &errmsg);
    if (access(drop_in, F_OK) != 0) {
        puts("This host is synchronised with no issuer");
        return EXIT_SUCCESS;
    }
    (void)SYSTEMCTL(host, NULL, "disable", "--now", "jwt-sync.timer");
    (void)SYSTEMCTL(host, NULL, "stop", FETCH, "jwt-sync-install.path", INSTALL);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (remove_file(host, files[i]) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    return status ? status : remove_file(host, SYNC_DROP_IN);
}

struct last_sync {
    bool done; /* false: the host was not synchronised yet */
    int64_t at, bundle;
};

static struct last_sync read_last(const struct sync_host *host)
{
    CLEANUP(cleanup_free) char *path = sync_path(host, SYNCED_PATH);
    struct synced last;
    struct stat st;

    if (!host->state.issuer || stat(path, &st) != 0 || synced_read(path, &last, NULL) != TOK_OK)
        return (struct last_sync){0};
    return (struct last_sync){true, st.st_mtime, last.bundle};
}

/* The last poll, or what it fetched could not be installed. */
static bool has_failed(const struct sync_host *host)
{
    return has_units(host) && SYSTEMCTL(host, NULL, "is-failed", FETCH, INSTALL);
}

static void print_list_json(const struct sync_host *host, struct last_sync last)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();
    struct json_object *keys = json_new_array();

    json_add_string(answer, "url", slice_of(host->settings.sync.url));
    json_add_bool(answer, "failed", has_failed(host));
    for (word_list w = host->state.keys; last.done && *w; w++)
        json_append(keys, json_object_new_string(*w));
    json_add(answer, "keys", keys);
    if (last.done) {
        json_add_string(answer, "issuer", slice_of(host->state.issuer));
        json_add_integer(answer, "epoch", (int64_t)host->state.epoch);
        json_add_integer(answer, "signed", last.bundle);
        json_add_integer(answer, "synchronised", last.at);
    }
    json_print(answer);
}

static void print_list(const struct sync_host *host, struct last_sync last)
{
    const struct sync_state *s = &host->state;
    char text[FORMAT_MAX];

    printf("%s\n", host->settings.sync.url);
    if (last.done)
        printf("  last synchronised %s, bundle of %lld s ago, epoch %llu, issuer %s\n",
               format_time(last.at, text), (long long)(time(NULL) - last.bundle),
               (unsigned long long)s->epoch, s->issuer);
    for (word_list w = s->keys; last.done && *w; w++)
        printf("  bundle key %s\n", *w);
    if (!last.done)
        puts("  not synchronised yet; see: journalctl -u jwt-sync-fetch -u jwt-sync-install");
    if (has_failed(host))
        puts("  the last attempt failed; see: journalctl -u jwt-sync-fetch -u "
             "jwt-sync-install");
}

/* With --list, --reset or nothing. */
static int with_issuer(struct sync_host *host, const struct sync_options *o)
{
    struct errmsg errmsg;
    enum tok_err err = sync_open(host->root, host, &errmsg);

    if (err)
        return print_failure(EXIT_CONFIG, &errmsg);
    if (o->list) {
        (o->json ? print_list_json : print_list)(host, read_last(host));
        return EXIT_SUCCESS;
    }
    if (o->reset && write_reset(host, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    return synchronise(host);
}

static int run_sync(const char *command, const struct sync_options *o)
{
    CLEANUP(sync_clear) struct sync_host host = {.root = o->root};

    if ((o->add != NULL) + o->list + o->remove > 1 || (o->reset && (o->list || o->remove)))
        bad_usage(command, "expected one of --add, --list, --remove and --reset");
    if (!o->add && (o->trust || o->audience))
        bad_usage(command, "--trust and --audience: expected --add=URL as well");
    if (o->add && !value_is_url(slice_of(o->add)))
        bad_usage(command, "--add=%s: expected " VALUE_URL_FORM, o->add);
    if (o->add && !o->trust)
        bad_usage(command, "--add: expected --trust=THUMBPRINT as well");
    if (o->root[0] && o->root[0] != '/')
        bad_usage(command, "--root=%s: expected an absolute path", o->root);
    if (!o->list && geteuid() != 0) {
        print_error("this command must be run as root");
        return EXIT_FAILURE;
    }
    if (o->add)
        return sync_add(&host, o);
    return o->remove ? sync_remove(&host) : with_issuer(&host, o);
}

int command_sync(int argc, char **argv)
{
    struct sync_options o = {.root = ""};
    struct words_option trust = {&o.trust, value_is_thumbprint, VALUE_THUMBPRINT_FORM};
    struct words_option audience = {&o.audience, value_is_audience, VALUE_AUDIENCE_FORM};
    const struct option_row options[] = {
        {"add", "URL", "synchronise with the issuer at this URL", .value = &o.add},
        {"trust", "THUMBPRINT", "with --add: a bundle key; can be repeated",
         .parse = parse_word, .arg = &trust},
        {"audience", "NAME", "with --add: an audience; can be repeated", .parse = parse_word,
         .arg = &audience},
        {"list", NULL, "show the issuer and the last synchronisation", .flag = &o.list},
        {"remove", NULL, "end the synchronisation, and remove its files", .flag = &o.remove},
        {"reset", NULL, "accept an older epoch once", .flag = &o.reset},
        {"root", "DIR", "change the files below this directory", .value = &o.root},
        OPTION_OUTPUT(&o.json),
        {0}};
    int status;

    arguments_parse(argc, argv, options, 0);
    status = run_sync(argv[0], &o);
    word_list_free(o.trust);
    word_list_free(o.audience);
    return status;
}
