#include "jwtctl/complete.h"

#include "common/base/cleanup.h"
#include "common/base/slice.h"
#include "common/token/policy.h"
#include "jwtctl/json_c.h"
#include "jwtctl/safe_text.h"

#include <ctype.h>
#include <dirent.h>
#include <getopt.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ANSWER_MAX ((size_t)1 << 20) /* bytes */
#define ANSWER_MS 3000
#define LIST_WORDS_MAX 5

/* The word at the cursor. A value may stand behind "--option=". */
struct cursor {
    const char *word;
    size_t before; /* bytes of word in front of the value */
};

/* What a shell would have to quote is left out. */
static void offer(const struct cursor *at, const char *text, const char *explanation)
{
    const char *typed = at->word + at->before;

    if (strncmp(text, typed, strlen(typed)) != 0 ||
        text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                          "_-.,:=/@+")])
        return;
    printf("%.*s%s", (int)at->before, at->word, text);
    if (explanation) {
        putchar('\t');
        safe_text_print(stdout, slice_of(explanation));
    }
    putchar('\n');
}

static void offer_users(const struct cursor *at)
{
    const struct passwd *pw;

    setpwent();
    while ((pw = getpwent()))
        offer(at, pw->pw_name, NULL);
    endpwent();
}

static void offer_services(const struct cursor *at)
{
    const struct dirent *entry;
    DIR *dir = opendir("/etc/pam.d");

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] != '.')
            offer(at, entry->d_name, NULL);
    }
    if (dir)
        (void)closedir(dir);
}

/* UserClaim as user_claim=. */
static void offer_policy_words(const struct cursor *at)
{
    for (const struct keyword *k = policy_keywords; k->type; k++) {
        char word[64];
        size_t n = 0;

        for (const char *c = k->section ? NULL : k->name; c && *c && n + 3 < sizeof(word);
             c++) {
            if (isupper((unsigned char)*c) && n > 0)
                word[n++] = '_';
            word[n++] = text_lower(*c);
        }
        (void)snprintf(word + n, sizeof(word) - n, "%s", k->bare ? "" : "=");
        if (n > 0)
            offer(at, word, NULL);
    }
    offer(at, "config=", NULL);
}

/* What a command prints. NULL: it failed, or takes too long. It is not ended then: its new
 * tokens would be lost, and with them the session. */
static struct json_object *ask_command(const char *const words[LIST_WORDS_MAX])
{
    char *argv[LIST_WORDS_MAX] = {0};
    CLEANUP(cleanup_close) int fd = memfd_create("answer", MFD_CLOEXEC);
    CLEANUP(secret_clear) struct secret text = {0};
    struct json_object *answer = NULL;
    CLEANUP(cleanup_close) int exit_fd = -1;
    int argc = 0, status = -1;
    ssize_t n;
    pid_t child;

    for (; words[argc]; argc++)
        argv[argc] = (char *)words[argc];
    (void)fflush(stdout);
    child = fd < 0 || secret_alloc(ANSWER_MAX, &text) != TOK_OK ? -1 : fork();
    if (child == 0) {
        if (dup2(fd, STDOUT_FILENO) < 0 || !freopen("/dev/null", "r", stdin) ||
            !freopen("/dev/null", "w", stderr))
            _exit(EXIT_FAILURE);
        optind = 0;
        exit(run_command(argc, argv));
    }
    exit_fd = (int)syscall(SYS_pidfd_open, child, 0);
    if (child < 0 || poll(&(struct pollfd){exit_fd, POLLIN, 0}, 1, ANSWER_MS) <= 0 ||
        waitpid(child, &status, 0) < 0 || status != 0)
        return NULL;
    n = pread(fd, text.p, ANSWER_MAX, 0);
    return n > 0 && json_read((struct slice){text.p, (size_t)n}, &answer) == TOK_OK ? answer
                                                                                    : NULL;
}

/* Of one group, or the first words of all. */
static void offer_commands(const struct cursor *at, const char *group)
{
    const char *last = "";

    for (const struct command *c = commands; c->name; c++) {
        if (group ? c->group && strcmp(c->group, group) == 0 : !c->group)
            offer(at, last = c->name, c->summary);
        else if (!group && strcmp(c->group, last) != 0)
            offer(at, last = c->group, NULL);
    }
}

/* The list that a command prints: one member of each of its objects, explained by another. */
static const struct list {
    const char *argument;
    const char *command[LIST_WORDS_MAX];
    const char *member, *explanation;
} lists[] = {
    {"KID", {"key", "list", "--json"}, "kid", "alg"},
    {"SID", {"sessions", "--json"}, "sid", "source"},
    {"SERVER", {"servers", "--json"}, "name", "server"},
};

static void offer_list(const struct cursor *at, const struct list *list)
{
    CLEANUP(cleanup_json) struct json_object *answer = ask_command(list->command);

    for (size_t i = 0; i < json_length(answer); i++) {
        struct json_object *row = json_object_array_get_idx(answer, i);
        const char *word = json_member_text(row, list->member);

        if (word)
            offer(at, word, json_member_text(row, list->explanation));
    }
}

static const struct {
    const char *argument;
    void (*offer)(const struct cursor *at);
} values[] = {
    {"USER", offer_users},
    {"SERVICE", offer_services},
    {"OPTION", offer_policy_words},
};

/* name: a word that help has for an argument, or one that stands for itself: json, EdDSA. */
static void offer_argument(const struct cursor *at, const char *name)
{
    if (name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-")])
        offer(at, name, NULL);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strcmp(name, values[i].argument) == 0)
            values[i].offer(at);
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (strcmp(name, lists[i].argument) == 0)
            offer_list(at, &lists[i]);
    }
    if (strcmp(name, "FILE") == 0 || strcmp(name, "PATH") == 0 || strcmp(name, "DIR") == 0)
        puts(":files");
}

/* names: "[USER|SID]" */
static void offer_arguments(const struct cursor *at, const char *names)
{
    static const char separators[] = "[]|=, .";
    char name[32];

    if (strcmp(names, "ALG") == 0)
        names = ALG_NAMES;
    for (size_t n; *(names += strspn(names, separators)); names += n) {
        n = strcspn(names, separators);
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, names);
        offer_argument(at, name);
    }
}

static const struct option_row *find_option(const char *word, const struct option_row *rows)
{
    size_t n = strcspn(word, "=");

    for (; rows->name; rows++) {
        if ((strncmp(word, "--", 2) == 0 && strlen(rows->name) == n - 2 &&
             strncmp(word + 2, rows->name, n - 2) == 0) ||
            (rows->letter && n == 2 && word[1] == rows->letter))
            return rows;
    }
    return NULL;
}

static void offer_options(const struct cursor *at, const struct option_row *rows)
{
    for (; rows->name; rows++) {
        char word[64];

        (void)snprintf(word, sizeof(word), "--%s%s", rows->name, rows->argument ? "=" : "");
        offer(at, word, rows->help);
    }
}

void complete_arguments(const struct command *c, int argc, char **argv,
                        const struct option_row *rows)
{
    bool runs = strncmp(c->operands, "-- ", 3) == 0, only_operands = false;
    const struct option_row *row = NULL; /* the option whose value is next */
    struct cursor at = {.word = argv[argc - 1]};
    int i;

    for (i = 1; i < argc - 1 && !(runs && only_operands); i++) {
        if (row)
            row = NULL;
        else if (strcmp(argv[i], "--") == 0)
            only_operands = true;
        else if (argv[i][0] == '-')
            row = strchr(argv[i], '=') ? NULL : find_option(argv[i], rows);
        else if (runs)
            break;
        if (row && !row->argument)
            row = NULL;
    }
    if (row) {
        offer_arguments(&at, row->argument);
    } else if (runs && (only_operands || i < argc - 1 || at.word[0] != '-')) {
        printf(":command %d\n", i);
    } else if (!only_operands && strncmp(at.word, "--", 2) == 0 && strchr(at.word, '=')) {
        row = find_option(at.word, rows);
        at.before = strcspn(at.word, "=") + 1;
        if (row && row->argument)
            offer_arguments(&at, row->argument);
    } else if (!only_operands && (at.word[0] == '-' || (!at.word[0] && !c->operands[0]))) {
        offer_options(&at, rows);
    } else {
        offer_arguments(&at, c->operands);
    }
}

int complete_words(int argc, char **argv)
{
    struct cursor at = {.word = argc > 1 ? argv[argc - 1] : ""};
    bool help = argc > 2 && strcmp(argv[1], "help") == 0 && at.word[0] != '-';
    char mark[] = COMPLETE;
    int words;

    argv += help;
    argc -= help;
    if (argc == 2)
        offer_commands(&at, NULL);
    if (argc == 2 && !help && at.word[0] == '-')
        offer_options(&at, (const struct option_row[]){{"help", .help = "print this help"},
                                                       {"version", .help = "print the version"},
                                                       {0}});
    if (argc == 3 && command_is_group(argv[1]))
        offer_commands(&at, argv[1]);
    if (help || argc < 3 || !command_find(argc - 2, argv + 1, &words))
        return EXIT_SUCCESS;
    /* arguments_parse() sees the mark behind the name of the command. */
    memmove(argv, argv + 1, (size_t)words * sizeof(*argv));
    argv[words] = mark;
    return run_command(argc, argv);
}
