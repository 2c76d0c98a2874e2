#include "pam_jwt/options.h"

#include <security/pam_ext.h>
#include <string.h>
#include <syslog.h>

#define PROMPT_MAX 128 /* bytes */

/* Options without a value that are no policy words. */
static const struct {
    const char *name;
    size_t offset;
} flags[] = {
    {"use_first_pass", offsetof(struct module_options, use_first_pass)},
    {"try_first_pass", offsetof(struct module_options, try_first_pass)},
    {"ignore_non_token", offsetof(struct module_options, ignore_non_token)},
    {"session_limit", offsetof(struct module_options, session_limit)},
    {"quiet", offsetof(struct module_options, quiet)},
    {"debug", offsetof(struct module_options, debug)},
};

/* The programs that show a prompt don't expect it to move their cursor. */
static bool is_prompt(struct slice text)
{
    if (text.n == 0 || text.n > PROMPT_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return true;
}

/* Options with a text that are no policy words. */
static const struct text_option {
    const char *name;
    size_t offset;
    bool (*ok)(struct slice);
    const char *form;
} texts[] = {
    {"config", offsetof(struct module_options, config), value_is_path, "/ABSOLUTE/PATH"},
    {"prompt", offsetof(struct module_options, prompt), is_prompt,
     "TEXT of 1 to 128 bytes without control characters"},
};

static enum tok_err set_text(struct module_options *o, const struct text_option *t,
                             struct slice value, struct errmsg *errmsg)
{
    char **at = (void *)((char *)o + t->offset);

    if (!value.p || !t->ok(value))
        return errmsg_set(errmsg, TOK_SETTINGS, "option %s=%s: allowed is %s=%s", t->name,
                          value.p ? value.p : "", t->name, t->form);
    return text_replace(at, slice_of(value.p));
}

static enum tok_err set_flag(struct module_options *o, size_t i, struct slice value,
                             struct errmsg *errmsg)
{
    if (value.p)
        return errmsg_set(errmsg, TOK_SETTINGS, "option %s=%s: allowed is %s, without a value",
                          flags[i].name, value.p, flags[i].name);
    *(bool *)((char *)o + flags[i].offset) = true;
    return TOK_OK;
}

static enum tok_err set_option(struct module_options *o, const char *arg, struct errmsg *errmsg)
{
    const char *equals = strchr(arg, '=');
    struct slice word = {arg, equals ? (size_t)(equals - arg) : strlen(arg)};
    struct slice value = {NULL, 0};
    enum tok_err err;

    if (equals)
        value = (struct slice){equals + 1, strlen(equals + 1)};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (slice_is(word, texts[i].name))
            return set_text(o, &texts[i], value, errmsg);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (slice_is(word, flags[i].name))
            return set_flag(o, i, value, errmsg);
    err = policy_set(&o->words, POLICY_WORDS, word, value, errmsg);
    if (err == TOK_UNSUPPORTED)
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "option %s: unknown; pam_jwt(8) lists those allowed", arg);
    return err;
}

int options_read(pam_handle_t *pamh, int argc, const char **argv, struct module_options *ret)
{
    struct errmsg errmsg = {""};
    enum tok_err err = policy_init(&ret->words);

    for (int i = 0; err == TOK_OK && i < argc; i++)
        err = set_option(ret, argv[i], &errmsg);
    if (err == TOK_OK)
        return PAM_SUCCESS;
    pam_syslog(pamh, LOG_ERR, "%s", errmsg.text[0] ? errmsg.text : tok_err_text(err));
    return err == TOK_NO_MEMORY ? PAM_BUF_ERR : PAM_SERVICE_ERR;
}

void options_clear(struct module_options *o)
{
    policy_clear(&o->words);
    free(o->config);
    free(o->prompt);
    o->config = o->prompt = NULL;
}
