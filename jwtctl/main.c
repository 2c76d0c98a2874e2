/*
 * jwtctl: the table of its commands, and the choice of one.
 */
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/run/programs.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

struct command {
    const char *name; /* one word, or two */
    const char *arguments;
    const char *summary;
    command_fn *run;
};

static const struct command commands[] = {
    {"login", "[USER] [--server=URL] [--json]",
     "log in with a password from the terminal or a line of standard input", command_login},
    {"logout", "[--all]",
     "revoke the session and remove its tokens; --all: revoke every session of the user",
     command_logout},
    {"status", "[--json] [--socket=PATH]",
     "show who is logged in and until when; for root also the state of jwtd-issuer",
     command_status},
    {"token",
     "[--service=SERVICE] [--host=HOST] [--lifetime=SPAN] [--once] [--host-key=KEY] "
     "[--scope=WORDS] [--json]",
     "print a valid access token; with options, one with fewer rights", command_token},
    {"sessions", "[--json] [--user=USER | --all] [--socket=PATH]",
     "list your sessions; as root those of a user, or all", command_sessions},
    {"show", "[--json]", "explain the token on standard input, or the one of the session",
     command_show},
    {"run", "[--whole] -- COMMAND [ARGUMENT...]",
     "run a command whose ssh and sudo -A log in with a token", command_run},
    {"askpass", "PROMPT", "answer a prompt of ssh or sudo", command_askpass},
    {"revoke", "USER|SID|--all [--json] [--socket=PATH]",
     "as root: revoke every session of a user or of all users, or one session", command_revoke},
    {"sync",
     "[--add=URL --trust=THUMBPRINT... [--audience=NAME...] [--reset] [--root=DIR] | "
     "--reset | --remove | --list]",
     "as root: synchronise this host with an issuer, now and each minute", command_sync},
    {"verify", "[--user=USER] [--service=SERVICE] [--now=EPOCH] [--batch] [OPTION=VALUE...]",
     "verify the token on standard input as pam_jwt does", command_verify},
    {"config check", "[--config=PATH]", "check the settings files", command_config_check},
    {"config show", "[--config=PATH] [--json]", "print the settings in force",
     command_config_show},
    {"doctor", "[--json]", "show what is wrong on this host and how to correct it",
     command_doctor},
    {"key list", "[PATH] [--alg=NAME] [--json] [--socket=PATH]",
     "list the keys that tokens are verified with", command_key_list},
    {"key new", "[--alg=NAME] [PATH]", "create a private key as a JWK", command_key_new},
    {"key export", "[--alg=NAME] [--pem] [PATH]", "print the public half of a key",
     command_key_export},
    {"key import", "[--alg=NAME] [--raw] [FILE [PATH]]", "convert a key to a JWK",
     command_key_import},
    {"key rotate", "[--alg=NAME | --bundle] [--json] [--socket=PATH]",
     "as root: create a new signing key; the old one stays published", command_key_rotate},
    {"key retire", "[KID | --now KID | --bundle KID] [--json] [--socket=PATH]",
     "as root: remove old keys whose last token has expired", command_key_retire},
    {"key new-epoch", "[--socket=PATH]", "as root: begin the next epoch of the bundles",
     command_key_new_epoch},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
    fputs("usage: jwtctl COMMAND [ARGUMENT...]\n\n", out);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-13s %s\n", commands[i].name, commands[i].summary);
    fputs("\n  jwtctl COMMAND --help, jwtctl --version; the manual is jwtctl(1)\n", out);
}

static void print_command_help(const struct command *c)
{
    printf("usage: jwtctl %s %s\n%s\n", c->name, c->arguments, c->summary);
}

/* The number of arguments that are the command's name; 0: another command was named. */
static int match(const struct command *c, int argc, char **argv)
{
    const char *blank = strchr(c->name, ' ');
    size_t n = blank ? (size_t)(blank - c->name) : strlen(c->name);

    if (argc < 1 || strlen(argv[0]) != n || memcmp(argv[0], c->name, n) != 0)
        return 0;
    if (!blank)
        return 1;
    return argc > 1 && strcmp(argv[1], blank + 1) == 0 ? 2 : 0;
}

static int dispatch(int argc, char **argv)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        int words = match(&commands[i], argc, argv);
        char name[64];

        if (words == 0)
            continue;
        if (argc > words && strcmp(argv[words], "--help") == 0) {
            print_command_help(&commands[i]);
            return EXIT_SUCCESS;
        }
        /* getopt's error messages start with argv[0]. */
        (void)snprintf(name, sizeof(name), "jwtctl %s", commands[i].name);
        argv[words - 1] = name;
        return commands[i].run(argc - words + 1, argv + words - 1);
    }
    print_error("unknown command '%s'", argv[0]);
    print_help(stderr);
    return EXIT_USAGE;
}

static const struct {
    const char *name;
    command_fn *run;
} programs[] = {
    {"askpass", program_askpass}, {"hostkey", program_hostkey}, {"ssh", program_wrapper},
    {"scp", program_wrapper},     {"sftp", program_wrapper},
};

static int run_command(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;

    for (size_t i = 0; argc > 0 && i < sizeof(programs) / sizeof(programs[0]); i++) {
        if (strcmp(slash ? slash + 1 : argv[0], programs[i].name) == 0)
            return programs[i].run(argc, argv);
    }
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("jwtctl " JWT_VERSION);
        return EXIT_SUCCESS;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return EXIT_SUCCESS;
    }
    return dispatch(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status;

    /* No core file and no ptrace: passwords and tokens are in memory. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    status = run_command(argc, argv);
    flush_output(status ? status : EXIT_FAILURE);
    return status;
}
