#include "jwtctl/run/ssh_arguments.h"

#include "jwtctl/output.h"

#include <stdlib.h>
#include <string.h>

/* Of OpenSSH 8.7 to 10, as for getopt(3), without those that are not supported: -P, which takes
 * an argument since 9.4 only, and f G M N O Q S V W. */
#define OPTIONS "1246ab:c:e:gi:kl:m:no:p:qstvxAB:CD:E:F:I:J:KL:R:TXYyw:"
#define SESSION_OPTIONS "nst"

char **arguments_insert(int argc, char **argv, const char *const *more)
{
    size_t n = 0;
    char **all;

    while (more[n])
        n++;
    all = calloc((size_t)argc + n + 1, sizeof(char *));
    if (!all)
        out_of_memory();
    all[0] = argv[0];
    memcpy((void *)(all + 1), (const void *)more, n * sizeof(char *));
    memcpy((void *)(all + 1 + n), (void *)(argv + 1), ((size_t)argc - 1) * sizeof(char *));
    return all;
}

/* Reads the options in argv[at]. The index behind them and their argument. */
static int read_options(char **argv, int at, bool change)
{
    for (char *p = argv[at] + 1; *p; p++) {
        const char *option = *p == ':' ? NULL : strchr(OPTIONS, *p);

        if (!option)
            bad_usage("jwtctl run", "--forward does not support ssh -%c", *p);
        if (option[1] == ':')
            return at + (p[1] ? 1 : 2);
        if (change && strchr(SESSION_OPTIONS, *p))
            *p = 'T';
    }
    return at + 1;
}

static int skip_options(int argc, char **argv, int at, bool change)
{
    while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0') {
        if (strcmp(argv[at], "--") == 0)
            return at + 1;
        at = read_options(argv, at, change);
    }
    return at;
}

int ssh_arguments_command(int argc, char **argv, bool change)
{
    int host = skip_options(argc, argv, 1, change);

    if (host >= argc)
        bad_usage("jwtctl run", "--forward: expected a host after ssh");
    return skip_options(argc, argv, host + 1, change);
}
