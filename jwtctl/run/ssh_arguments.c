#include "jwtctl/run/ssh_arguments.h"

#include "jwtctl/output.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of OpenSSH 8.5 to 10; -P takes an argument since 9.4 only. */
#define OPTIONS "+1246ab:c:e:fgi:kl:m:no:p:qstvxAB:CD:E:F:GI:J:KL:MNO:Q:R:S:TVw:W:XYy"
#define SESSION_OPTIONS "nstT"
#define EXCLUDED_OPTIONS "?fGMNOQSVW"

void words_add(struct word_vector *w, const char *text)
{
    char **v = realloc((void *)w->v, (w->n + 2) * sizeof(char *));

    if (!v || !(v[w->n] = strdup(text)))
        out_of_memory();
    w->v = v;
    w->v[++w->n] = NULL;
}

void words_clear(struct word_vector *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->v[i]);
    free((void *)w->v);
}

/* optind is the first operand then. */
static void add_options(int argc, char **argv, struct word_vector *ret)
{
    int c;

    optind = 0; /* glibc: begin again */
    opterr = 0;
    while ((c = getopt(argc, argv, OPTIONS)) != -1) {
        char option[] = {'-', (char)c, '\0'};

        if (strchr(EXCLUDED_OPTIONS, c))
            bad_usage("jwtctl run", "--forward does not support ssh -%c",
                      c == '?' ? optopt : c);
        if (strchr(SESSION_OPTIONS, c))
            continue;
        words_add(ret, option);
        if (optarg)
            words_add(ret, optarg);
    }
}

/* ssh reads options behind the host, too. */
void ssh_arguments_connection(int argc, char **argv, struct word_vector *ret)
{
    int host;

    add_options(argc, argv, ret);
    host = optind;
    if (host >= argc)
        bad_usage("jwtctl run", "--forward: expected a host after ssh");
    add_options(argc - host, argv + host, ret);
    words_add(ret, "--");
    words_add(ret, argv[host]);
}
