/*
 * Any bytes as a settings file. Beyond "no crash": an error has a message with the file and a
 * line; what settings_each lists, read again, gives the same settings; and every value is in
 * the range that the daemons rely on.
 */
#include "common/config/settings.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

/* A file with what settings_each lists. */
struct listing {
    FILE *out;
    char section[512];
};

static void add_line(void *arg, const char *section, const char *key, const char *value,
                     bool is_default)
{
    static const char *const unset[] = {"Issuer", "Audience",  "Path",     "URL",
                                        "Trust",  "OtpPrompt", "Database", "Issuers"};
    struct listing *t = arg;

    /* A default that a file cannot spell. */
    for (size_t i = 0; is_default && i < sizeof(unset) / sizeof(unset[0]); i++)
        if (strcmp(key, unset[i]) == 0)
            return;
    if (strcmp(t->section, section) != 0) {
        must(strlen(section) < sizeof(t->section));
        (void)snprintf(t->section, sizeof(t->section), "%s", section);
        (void)fprintf(t->out, "[%s]\n", section);
    }
    (void)fprintf(t->out, "%s=%s\n", key, value);
}

static char *text_of(const struct settings *s, size_t *ret_n)
{
    struct listing t = {0};
    char *text = NULL;

    t.out = open_memstream(&text, ret_n);
    must(t.out != NULL);
    must(settings_each(s, add_line, &t) == TOK_OK);
    must(fclose(t.out) == 0);
    return text;
}

static void is_in_range(const struct settings *s)
{
    must(s->token.algorithm != NULL && !s->token.sliding_tokens);
    must(s->token.access_lifetime > 0 && s->token.refresh_lifetime > 0);
    must(s->token.leeway <= 300000000);
    must(s->token.max_token_length >= 128 && s->token.max_token_length <= 8192);
    must(strcmp(s->token.user_id_claim, s->token.jti_claim) != 0);
    must(s->http.failure_time > 0 && s->http.auth_header_types[0] != NULL);
    must(s->http.max_connections > 0 && s->session.max_sessions_per_user > 0);
    must(!s->token.audience || s->token.audience[0]);
    for (size_t i = 0; i < s->n_issuers; i++) {
        const struct policy *issuer = &s->issuers[i];

        must(issuer->keys[0] == '/' && issuer->leeway <= 300);
        must(*issuer->issuer && policy_given(issuer, "keys"));
        must(settings_find_issuer(s, slice_of(issuer->issuer)) == issuer);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(settings_clear) struct settings s = {0};
    CLEANUP(settings_clear) struct settings again = {0};
    CLEANUP(cleanup_free) char *first = NULL;
    CLEANUP(cleanup_free) char *second = NULL;
    struct errmsg errmsg = {""};
    size_t n, m;

    must(settings_init(&s) == TOK_OK && settings_init(&again) == TOK_OK);
    if (settings_parse(&s, "f", (struct slice){(const char *)data, size}, &errmsg) != TOK_OK) {
        must(strncmp(errmsg.text, "f:", 2) == 0 && errmsg.text[2] >= '1' &&
             errmsg.text[2] <= '9');
        return 0;
    }
    is_in_range(&s);
    first = text_of(&s, &n);
    must(settings_parse(&again, "again", (struct slice){first, n}, &errmsg) == TOK_OK);
    second = text_of(&again, &m);
    must(n == m && memcmp(first, second, n) == 0);
    return 0;
}
