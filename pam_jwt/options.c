#include "pam_jwt/options.h"

#include <security/pam_ext.h>
#include <syslog.h>

#define PROMPT_MAX 128 /* bytes */
#define NAME_SHOWN 64  /* bytes of an unknown option in a message */

/* Programs that show a prompt do not expect it to move the cursor. */
static bool is_prompt(struct slice text)
{
    return text.n > 0 && text.n <= PROMPT_MAX && value_is_printable(text);
}

#define ROW(member, type, ...) KEYWORD(struct module_options, member, type, __VA_ARGS__)
#define SWITCH(member) ROW(member, keyword_flag, .names = "", .bare = true, .form = "no value")

/* The options that are no words of a policy. */
static const struct keyword keywords[] = {
    {"config", ROW(config, keyword_text, .valid = value_is_path, .form = VALUE_PATH_FORM)},
    {"prompt", ROW(prompt, keyword_text, .valid = is_prompt,
                   .form = "1 to 128 bytes without control characters")},
    {"use_first_pass", SWITCH(use_first_pass)},
    {"try_first_pass", SWITCH(try_first_pass)},
    {"ignore_non_token", SWITCH(ignore_non_token)},
    {"session_limit", SWITCH(session_limit)},
    {"quiet", SWITCH(quiet)},
    {"debug", SWITCH(debug)},
    {0},
};

static enum tok_err set_option(struct module_options *o, const char *arg, struct errmsg *errmsg)
{
    struct keyword_value v = {.name = slice_of(arg), .separator = ','};
    enum tok_err err;

    (void)slice_cut(v.name, '=', &v.name, &v.text);
    v.k = keyword_find(keywords, NULL, v.name);
    err = v.k ? keyword_assign(&v, o, errmsg) : policy_set(&o->words, v.name, v.text, errmsg);
    if (err == TOK_UNSUPPORTED)
        return errmsg_set(errmsg, TOK_SETTINGS, "%.*s: unknown, see pam_jwt(8)",
                          slice_shown(v.name, NAME_SHOWN), v.name.p);
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
    pam_syslog(pamh, LOG_ERR, "option %s", errmsg.text[0] ? errmsg.text : tok_err_text(err));
    return err == TOK_NO_MEMORY ? PAM_BUF_ERR : PAM_SERVICE_ERR;
}

void options_clear(struct module_options *o)
{
    policy_clear(&o->words);
    keywords_clear(keywords, o);
}
