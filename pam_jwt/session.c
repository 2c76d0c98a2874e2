#include "pam_jwt/session.h"

#include "common/base/base64url.h"
#include "common/base/timespan.h"

#include <inttypes.h>
#include <security/pam_modutil.h>
#include <stdio.h>
#include <string.h>

#define DATA_NAME "pam_jwt"
#define LIMIT_NAME "systemd.runtime_max_sec"
#define ENV_EXP "JWT_EXP"
#define ENV_JTI "JWT_JTI"
#define ENV_SID "JWT_SID"
#define EXP_DIGITS_MAX 16 /* 2^53 - 1 has as many */

static const char *const env_names[] = {ENV_EXP, ENV_JTI, ENV_SID};

static void session_free(struct session *s)
{
    policy_clear(&s->policy);
    secret_clear(&s->payload);
    free(s);
}

DEFINE_CLEANUP(struct session *, cleanup_session, session_free)

/* May run in another process than the one that made the data (su's child): frees, and no more.
 */
static void on_data_end(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    if (data)
        session_free(data);
}

int session_forget(pam_handle_t *pamh)
{
    /* libpam warns in the log of a name that is not there. */
    for (size_t i = 0; i < sizeof(env_names) / sizeof(env_names[0]); i++)
        if (pam_getenv(pamh, env_names[i]) && pam_putenv(pamh, env_names[i]) != PAM_SUCCESS)
            return PAM_BUF_ERR;
    return session_data(pamh) ? pam_set_data(pamh, DATA_NAME, NULL, NULL) : PAM_SUCCESS;
}

static int export_text(pam_handle_t *pamh, const char *name, const char *value)
{
    char line[sizeof(ENV_EXP) + 1 + SESSION_ID_MAX + 1];

    if (!*value)
        return PAM_SUCCESS;
    (void)snprintf(line, sizeof(line), "%s=%s", name, value);
    return pam_putenv(pamh, line);
}

static int export_all(pam_handle_t *pamh, const struct session *s)
{
    char digits[24];
    int rc;

    (void)snprintf(digits, sizeof(digits), "%" PRId64, s->exp);
    rc = export_text(pamh, ENV_EXP, digits);
    if (rc == PAM_SUCCESS)
        rc = export_text(pamh, ENV_JTI, s->jti);
    if (rc == PAM_SUCCESS)
        rc = export_text(pamh, ENV_SID, s->sid);
    return rc;
}

int session_keep(pam_handle_t *pamh, const struct resolved *rules,
                 const struct verify_result *token)
{
    CLEANUP(cleanup_session) struct session *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return PAM_BUF_ERR;
    s->has_list = rules->list.fd >= 0;
    s->mapped = rules->mapped;
    s->exp = token->exp;
    (void)snprintf(s->kid, sizeof(s->kid), "%s", token->kid);
    verify_id(token->claims.jti, s->jti);
    verify_id(token->claims.sid, s->sid);
    if (policy_copy(&rules->policy, &s->policy) || secret_copy(token->payload, &s->payload))
        return PAM_BUF_ERR;
    rc = export_all(pamh, s);
    if (rc == PAM_SUCCESS)
        rc = pam_set_data(pamh, DATA_NAME, s, on_data_end);
    if (rc == PAM_SUCCESS)
        s = NULL;
    return rc;
}

const struct session *session_data(pam_handle_t *pamh)
{
    const void *data = NULL;

    if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS)
        return NULL;
    return data;
}

/* Absent is "" and well. */
static bool read_id(pam_handle_t *pamh, const char *name, char ret[SESSION_ID_MAX + 1])
{
    const char *value = pam_getenv(pamh, name);
    size_t n;

    if (!value) {
        ret[0] = '\0';
        return true;
    }
    n = strlen(value);
    if (n == 0 || n > SESSION_ID_MAX || !base64url_is_text((struct slice){value, n}))
        return false;
    memcpy(ret, value, n + 1);
    return true;
}

static bool read_exp(pam_handle_t *pamh, int64_t *ret)
{
    const char *value = pam_getenv(pamh, ENV_EXP);
    size_t n = value ? strspn(value, "0123456789") : 0;

    if (n == 0 || n > EXP_DIGITS_MAX || value[n] != '\0')
        return false;
    *ret = strtoll(value, NULL, 10);
    return true;
}

bool session_read_env(pam_handle_t *pamh, struct session_env *ret)
{
    struct session_env env = {0};

    if (!read_exp(pamh, &env.exp) || !read_id(pamh, ENV_JTI, env.jti) ||
        !read_id(pamh, ENV_SID, env.sid))
        return false;
    *ret = env;
    return true;
}

bool session_is_ours(pam_handle_t *pamh)
{
    char jti[SESSION_ID_MAX + 1] = "";
    int64_t exp;

    if (session_data(pamh))
        return true;
    /* A token without a jti exports its exp alone. */
    return (read_id(pamh, ENV_JTI, jti) && jti[0] != '\0') || read_exp(pamh, &exp);
}

bool session_exp(pam_handle_t *pamh, int64_t *ret)
{
    const struct session *s = session_data(pamh);

    if (!s)
        return read_exp(pamh, ret);
    *ret = s->exp;
    return true;
}

static void on_limit_end(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    free(data);
}

/* Of another module. What we can't read is no reason to let a session go on. */
static bool is_limited(pam_handle_t *pamh, int64_t seconds)
{
    const void *text = NULL;
    uint64_t usec;

    return pam_get_data(pamh, LIMIT_NAME, &text) == PAM_SUCCESS && text &&
           value_span(slice_of(text), 1, (uint64_t)seconds * SECOND, 1, &usec) == TOK_OK;
}

int session_limit(pam_handle_t *pamh, int64_t seconds)
{
    char *text;
    int rc;

    if (is_limited(pamh, seconds))
        return PAM_SUCCESS;
    /* A bare number is seconds to systemd's parse_sec. */
    if (asprintf(&text, "%" PRId64, seconds) < 0)
        return PAM_BUF_ERR;
    rc = pam_set_data(pamh, LIMIT_NAME, text, on_limit_end);
    if (rc != PAM_SUCCESS)
        free(text);
    return rc;
}
