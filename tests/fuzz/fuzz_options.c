/*
 * Any bytes as the arguments of a PAM stack, separated by spaces or newlines. Beyond "no
 * crash": an error writes one line that names the option, a good stack writes none, and every
 * value of the policy is in its range.
 */
#include "pam_jwt/options.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/log.h"

#define ARGUMENTS_MAX 64

static size_t lines;

void fuzz_log(const char *line)
{
    must(strstr(line, "option ") != NULL && strstr(line, ": ") != NULL);
    lines++;
}

static void is_in_range(const struct module_options *o)
{
    must(o->words.leeway >= 0 && o->words.leeway <= POLICY_LEEWAY_MAX);
    must(o->words.max_lifetime > 0 && o->words.max_length > 0);
    must(o->words.max_length <= POLICY_LENGTH_MAX);
    must(o->words.keys[0] == '/' && o->words.revoked != NULL && o->words.user_claim[0] != 0);
    must(!o->words.audience || o->words.audience[0]);
    must(!o->config || o->config[0] == '/');
    must(!o->prompt || o->prompt[0] != 0);
    must(o->words.user_map[0] == '/' || strcmp(o->words.user_map, "none") == 0 ||
         strcmp(o->words.user_map, "same") == 0);
    for (char **claim = o->words.claims; claim && *claim; claim++)
        must(strchr(*claim, ':') > *claim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(options_clear) struct module_options options = {0};
    CLEANUP(cleanup_free) char *text = malloc(size + 1);
    const char *arguments[ARGUMENTS_MAX];
    char *rest = text;
    int n = 0, rc;

    must(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    while (n < ARGUMENTS_MAX && (arguments[n] = strsep(&rest, " \n")))
        n++;
    lines = 0;
    rc = options_read(NULL, n, arguments, &options);
    must(rc == PAM_SUCCESS || rc == PAM_SERVICE_ERR);
    must(lines == (rc == PAM_SUCCESS ? 0 : 1));
    if (rc == PAM_SUCCESS)
        is_in_range(&options);
    return 0;
}
