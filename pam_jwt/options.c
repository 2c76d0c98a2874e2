#include "options.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

/* Options without a value that are no policy words. */
static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    {"use_first_pass", offsetof(struct options, use_first_pass)},
    {"try_first_pass", offsetof(struct options, try_first_pass)},
    {"ignore_non_token", offsetof(struct options, ignore_non_token)},
};

static enum tok_err set_config(struct options *o, struct slice value, struct why *why)
{
    char *path;

    if (!value.p || value.n == 0 || value.p[0] != '/')
        return why_set(why, TOK_SETTINGS, "option config=%s: allowed is config=/ABSOLUTE/PATH",
                       value.p ? value.p : "");
    path = strdup(value.p);
    if (!path)
        return TOK_NO_MEMORY;
    free(o->config);
    o->config = path;
    return TOK_OK;
}

static enum tok_err set_flag(struct options *o, size_t i, struct slice value, struct why *why)
{
    if (value.p)
        return why_set(why, TOK_SETTINGS, "option %s=%s: allowed is %s, without a value",
                       flags[i].name, value.p, flags[i].name);
    *(bool *)((char *)o + flags[i].offset) = true;
    return TOK_OK;
}

static enum tok_err set_option(struct options *o, const char *arg, struct why *why)
{
    const char *equals = strchr(arg, '=');
    struct slice word = {arg, equals ? (size_t)(equals - arg) : strlen(arg)};
    struct slice value = {NULL, 0};
    enum tok_err err;

    if (equals)
        value = (struct slice){equals + 1, strlen(equals + 1)};
    if (slice_is(word, "config"))
        return set_config(o, value, why);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (slice_is(word, flags[i].name))
            return set_flag(o, i, value, why);
    err = policy_set(&o->words, POLICY_WORDS, word, value, why);
    if (err == TOK_UNSUPPORTED)
        return why_set(why, TOK_SETTINGS, "option %s: unknown; pam_jwt(8) lists those allowed",
                       arg);
    return err;
}

int options_read(pam_handle_t *pamh, int argc, const char **argv, struct options *ret)
{
    struct why why = {""};
    enum tok_err err = policy_init(&ret->words);

    for (int i = 0; err == TOK_OK && i < argc; i++)
        err = set_option(ret, argv[i], &why);
    if (err == TOK_OK)
        return PAM_SUCCESS;
    pam_syslog(pamh, LOG_ERR, "%s", why.text[0] ? why.text : tok_err_text(err));
    return err == TOK_NO_MEMORY ? PAM_BUF_ERR : PAM_SERVICE_ERR;
}

void options_clear(struct options *o)
{
    policy_clear(&o->words);
    free(o->config);
    o->config = NULL;
}
