#include "jwtctl/narrow_options.h"

#include "common/base/timespan.h"
#include "jwtctl/output.h"

#include <stdio.h>
#include <string.h>

void narrow_add_scope(char **scope, const char *prefix, const char *words)
{
    char *longer;

    if (asprintf(&longer, "%s%s%s%s", *scope ? *scope : "", *scope && **scope ? " " : "",
                 prefix, words) < 0)
        out_of_memory();
    free(*scope);
    *scope = longer;
}

void narrow_parse_service(const char *command, const char *value, void *arg)
{
    if (value[0] == '\0' || strpbrk(value, " \t"))
        bad_usage(command, "--service=%s: expected the name of one PAM service", value);
    narrow_add_scope(arg, "pam:", value);
}

void narrow_parse_lifetime(const char *command, const char *value, void *arg)
{
    uint64_t span;

    if (timespan_parse(slice_of(value), &span) != TOK_OK || span < SECOND)
        bad_usage(command, "--lifetime=%s: expected %s, at least one second", value,
                  TIMESPAN_FORM);
    *(int64_t *)arg = (int64_t)(span / SECOND);
}

void narrow_parse_host_key(const char *command, const char *value, void *arg)
{
    if (!host_key_read(slice_of(value), arg))
        bad_usage(command,
                  "--host-key=%s: expected a fingerprint as ssh-keygen -l prints it, "
                  "such as SHA256:..., or its first 22 characters",
                  value);
}

bool narrow_options_read(struct narrow_options *o)
{
    struct narrow_request *r = &o->request;

    r->scope = o->scope;
    r->host_key = o->key[0] ? o->key : NULL;
    return r->scope || r->audience || r->lifetime || r->one_time || r->host_key;
}

int narrow_print(const struct secret *token, bool json)
{
    CLEANUP(cleanup_json) struct json_object *answer = NULL;
    struct token_times times;

    if (!json) {
        puts(token->p);
        return EXIT_SUCCESS;
    }
    if (session_token_times(token, &times) != TOK_OK) {
        print_error("the access token cannot be read: expected integer claims iat and exp");
        return EXIT_FAILURE;
    }
    answer = json_new_object();
    json_add_string(answer, "access", secret_slice(token));
    json_add_integer(answer, "expires", times.exp);
    json_print(answer);
    return EXIT_SUCCESS;
}
