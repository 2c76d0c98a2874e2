#include "pam_jwt/auth_state.h"

#include "common/base/base64url.h"
#include "common/base/timespan.h"
#include "pam_jwt/login_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DATA_NAME "pam_jwt"
#define ENV_EXP "JWT_EXP"
#define ENV_JTI "JWT_JTI"
#define ENV_SID "JWT_SID"
#define EXP_DIGITS_MAX 16 /* 2^53 - 1 has as many */

static const char *const env_names[] = {ENV_EXP, ENV_JTI, ENV_SID};

static void auth_state_free(struct auth_state *s)
{
    policy_clear(&s->policy);
    secret_clear(&s->payload);
    free(s);
}

DEFINE_CLEANUP(struct auth_state *, cleanup_auth_state, auth_state_free)

/* May run in another process than the one that made the data (su's child): only frees. */
static void on_data_end(pam_handle_t *pamh, void *data, int status)
{
    (void)pamh;
    (void)status;
    if (data)
        auth_state_free(data);
}

int auth_state_clear(pam_handle_t *pamh)
{
    /* libpam logs a warning when an unset name is deleted. */
    for (size_t i = 0; i < sizeof(env_names) / sizeof(env_names[0]); i++)
        if (pam_getenv(pamh, env_names[i]) && pam_putenv(pamh, env_names[i]) != PAM_SUCCESS)
            return PAM_BUF_ERR;
    login_note_set(getppid(), 0);
    return auth_state_get(pamh) ? pam_set_data(pamh, DATA_NAME, NULL, NULL) : PAM_SUCCESS;
}

static int export_text(pam_handle_t *pamh, const char *name, const char *value)
{
    char line[sizeof(ENV_EXP) + 1 + VERIFY_ID_MAX + 1];

    if (!*value)
        return PAM_SUCCESS;
    (void)snprintf(line, sizeof(line), "%s=%s", name, value);
    return pam_putenv(pamh, line);
}

static int export_all(pam_handle_t *pamh, const struct auth_state *s)
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

int auth_state_store(pam_handle_t *pamh, const struct resolved *rules,
                     const struct verify_result *token)
{
    CLEANUP(cleanup_auth_state) struct auth_state *s = calloc(1, sizeof(*s));
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
    if (rc != PAM_SUCCESS)
        return rc;
    login_note_set(getppid(), s->exp);
    s = NULL;
    return PAM_SUCCESS;
}

const struct auth_state *auth_state_get(pam_handle_t *pamh)
{
    const void *data = NULL;

    if (pam_get_data(pamh, DATA_NAME, &data) != PAM_SUCCESS)
        return NULL;
    return data;
}

/* An absent variable is "", and no error. */
static bool read_id(pam_handle_t *pamh, const char *name, char ret[VERIFY_ID_MAX + 1])
{
    const char *value = pam_getenv(pamh, name);
    size_t n;

    if (!value) {
        ret[0] = '\0';
        return true;
    }
    n = strlen(value);
    if (n == 0 || n > VERIFY_ID_MAX || !base64url_is_text((struct slice){value, n}))
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

bool auth_state_read_env(pam_handle_t *pamh, struct auth_env *ret)
{
    struct auth_env env = {0};

    if (!read_exp(pamh, &env.exp) || !read_id(pamh, ENV_JTI, env.jti) ||
        !read_id(pamh, ENV_SID, env.sid))
        return false;
    *ret = env;
    return true;
}

bool auth_state_exists(pam_handle_t *pamh)
{
    char jti[VERIFY_ID_MAX + 1] = "";
    int64_t exp;

    if (auth_state_get(pamh))
        return true;
    /* A token without a jti exports its exp alone. */
    return (read_id(pamh, ENV_JTI, jti) && jti[0] != '\0') || read_exp(pamh, &exp);
}

bool auth_state_exp(pam_handle_t *pamh, int64_t *ret)
{
    const struct auth_state *s = auth_state_get(pamh);

    if (!s)
        return login_note_read(getpid(), ret);
    *ret = s->exp;
    return true;
}
