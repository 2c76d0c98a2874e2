/*
 * The table of the commands.
 */
#include "jwtctl/command.h"
#include "jwtctl/help.h"
#include "jwtctl/nearest.h"
#include "jwtctl/output.h"

#include <stdio.h>
#include <string.h>

const struct command commands[] = {
    {NULL, "login", "[USER]", "log in, and keep the tokens", command_login},
    {NULL, "logout", "", "revoke the session and remove its tokens", command_logout},
    {NULL, "servers", "", "list your logins at several servers", command_servers},
    {NULL, "use", "SERVER", "choose the login for later commands", command_use},
    {NULL, "status", "", "show who is logged in and until when; as root also the issuer",
     command_status},
    {NULL, "token", "", "print a valid access token; with options, one with fewer rights",
     command_token},
    {NULL, "sessions", "", "list your sessions; as root those of a user, or all",
     command_sessions},
    {"sessions", "end", "[SID...]", "end other sessions of yours", command_sessions_end},
    {NULL, "show", "", "explain the token on standard input, or the one of the session",
     command_show},
    {NULL, "run", "-- COMMAND [ARGUMENT...]",
     "run a command whose ssh and sudo -A log in with a token", command_run},
    {NULL, "askpass", "PROMPT", "answer a prompt of ssh or sudo", command_askpass},
    {NULL, "issue", "", "as root: issue an access token of a user", command_issue},
    {NULL, "revoke", "[USER|SID]", "as root: revoke the sessions of a user, of all, or one",
     command_revoke},
    {NULL, "sync", "", "as root: synchronise this host with an issuer", command_sync},
    {NULL, "verify", "[OPTION=VALUE...]", "verify the token on standard input as pam_jwt does",
     command_verify},
    {"config", "check", "", "check the settings files", command_config_check},
    {"config", "show", "", "print the settings in force", command_config_show},
    {"config", "apply-names", "", "as root: use a changed Issuer= or Audience= from now on",
     command_config_apply_names},
    {NULL, "doctor", "", "show what is wrong on this host and how to correct it",
     command_doctor},
    {"key", "list", "[PATH]", "list the keys that tokens are verified with", command_key_list},
    {"key", "new", "[PATH]", "create a private key as a JWK", command_key_new},
    {"key", "export", "[PATH]", "print the public half of a key", command_key_export},
    {"key", "import", "[FILE [PATH]]", "convert a key to a JWK", command_key_import},
    {"key", "rotate", "", "as root: create a new signing key; the old one stays published",
     command_key_rotate},
    {"key", "retire", "[KID]", "as root: remove old keys whose last token has expired",
     command_key_retire},
    {"key", "new-epoch", "", "as root: begin the next epoch of the bundles",
     command_key_new_epoch},
    {"store", "migrate", "", "create or migrate the tables of the sessions in PostgreSQL",
     command_store_migrate},
    {"store", "copy", "[FILE]", "as root: copy the sessions of an SQLite file into PostgreSQL",
     command_store_copy},
    {NULL, "help", "[COMMAND]", "explain a command", command_help},
    {0},
};

static bool is(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

/* group NULL: the command is a single word. */
static const struct command *find_in(const char *group, const char *name)
{
    const struct command *c = commands;

    while (c->name && !(is(c->name, name) && (group ? is(c->group, group) : !c->group)))
        c++;
    return c->name ? c : NULL;
}

const struct command *command_find(int argc, char **argv, int *ret_words)
{
    const struct command *c = argc > 1 ? find_in(argv[0], argv[1]) : NULL;

    *ret_words = c ? 2 : 1;
    return c || argc < 1 ? c : find_in(NULL, argv[0]);
}

bool command_is_group(const char *word)
{
    const struct command *c = commands;

    while (c->name && !is(c->group, word))
        c++;
    return c->name != NULL;
}

const struct command *command_of(const char *name)
{
    const struct command *c = commands;
    char full[COMMAND_NAME_MAX];

    while (strcmp(command_name(c, full), strchr(name, ' ') + 1) != 0)
        c++;
    return c;
}

const char *command_name(const struct command *c, char ret[COMMAND_NAME_MAX])
{
    (void)snprintf(ret, COMMAND_NAME_MAX, "%s%s%s", c->group ? c->group : "",
                   c->group ? " " : "", c->name);
    return ret;
}

void command_unknown(int argc, char **argv)
{
    const char *group = command_is_group(argv[0]) ? argv[0] : NULL;
    struct nearest nearest = {.word = argv[group != NULL]};
    char name[COMMAND_NAME_MAX];

    if (group && argc < 2) {
        print_help(stderr, group);
        exit(EXIT_USAGE);
    }
    for (const struct command *c = commands; c->name; c++) {
        if (group ? is(c->group, group) : !c->group)
            nearest_try(&nearest, c->name);
        else if (!group)
            nearest_try(&nearest, c->group);
    }
    (void)snprintf(name, sizeof(name), "jwtctl%s%s", group ? " " : "", group ? group : "");
    bad_usage(name, "unknown command '%s'%s%s%s", nearest.word, NEAREST_HINT(nearest, ""));
}
