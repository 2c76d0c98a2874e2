/* jwtctl key list: the keys that tokens are checked with. */
#include "common/base/cleanup.h"
#include "common/jose/keyset.h"
#include "common/token/policy.h"
#include "jwtctl/command.h"
#include "jwtctl/key_file.h"
#include "jwtctl/output.h"
#include "jwtctl/text.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char *path_of(const char *arg)
{
    return strncmp(arg, "keys=", 5) == 0 ? arg + 5 : arg;
}

static void add_key(struct text *text, const struct key *key, struct slice thumbprint,
                    bool json)
{
    const char *alg = key_alg(key)->name;

    if (!json) {
        text_plain(text, key_kid(key));
        text_puts(text, "  ");
        text_puts(text, alg);
        text_puts(text, "  ");
        text_add(text, thumbprint);
        return;
    }
    text_puts(text, "{\"kid\":");
    if (key_kid(key).n > 0)
        text_json(text, key_kid(key));
    else
        text_puts(text, "null");
    text_puts(text, ",\"alg\":");
    text_json(text, slice_of(alg));
    text_puts(text, ",\"thumbprint\":");
    text_json(text, thumbprint);
    text_puts(text, "}");
}

static enum tok_err list(const struct keyset *keys, bool json, struct text *text)
{
    text_puts(text, json ? "[" : "KID  ALG  THUMBPRINT");
    for (size_t i = 0; i < keyset_size(keys); i++) {
        char thumbprint[KEY_THUMBPRINT_LEN];
        enum tok_err err = key_thumbprint(keyset_at(keys, i), thumbprint);

        if (err)
            return err;
        if (!json || i > 0)
            text_puts(text, json ? "," : "\n");
        add_key(text, keyset_at(keys, i), (struct slice){thumbprint, sizeof(thumbprint)}, json);
    }
    if (json)
        text_puts(text, "]");
    return text_err(text);
}

int command_key_list(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"alg", required_argument, NULL, 'a'}, {0}};
    alg_set algorithms = ~(alg_set)0;
    CLEANUP(cleanup_keyset) struct keyset *keys = NULL;
    CLEANUP(text_clear) struct text text = {0};
    bool json = false;
    struct errmsg errmsg;
    enum tok_err err;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'j')
            json = true;
        else if (c != 'a' || key_alg_option(argv[0], optarg, &algorithms))
            return EXIT_USAGE;
    }
    if (argc - optind > 1)
        return complain_usage(argv[0], "one file at most, not '%s' too", argv[optind + 1]);
    if (keyset_load(NULL, argv[optind] ? path_of(argv[optind]) : POLICY_KEYS, FILE_OWN,
                    algorithms, &keys, &errmsg) != TOK_OK) {
        complain("%s", errmsg.text);
        return EXIT_BROKEN;
    }
    err = list(keys, json, &text);
    if (err) {
        complain("%s", tok_err_text(err));
        return EXIT_BROKEN;
    }
    return text_print_line(&text) ? EXIT_SUCCESS : EXIT_FAILURE;
}
