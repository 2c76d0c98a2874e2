#include "jwtd/issuer/shared_attempts.h"

#include <openssl/evp.h>
#include <string.h>

/* scrypt's N and r: 1 MiB of memory, about 3 ms. */
#define SCRYPT_N 1024
#define SCRYPT_R 8

static const char *const settings_of[] = {
    [STORE_FAILURES] = "FailuresPerUser",
    [STORE_LOGINS] = "LoginsPerUser",
    [STORE_SOURCE_FAILURES] = "FailuresPerSource",
};

static bool write_slow_id(const struct issuer *x, struct slice name, uint8_t *ret)
{
    const char *salt = x->names.issuer;

    return EVP_PBE_scrypt(name.p, name.n, (const uint8_t *)salt, strlen(salt), SCRYPT_N,
                          SCRYPT_R, 1, 0, ret, ISSUE_ID_BYTES) == 1;
}

static bool write_id(char kind, struct slice name, uint8_t *ret)
{
    uint8_t text[1 + WIRE_USER_MAX + WIRE_SOURCE_MAX], digest[EVP_MAX_MD_SIZE];

    if (name.n >= sizeof(text))
        return false;
    text[0] = (uint8_t)kind;
    memcpy(text + 1, name.p, name.n);
    if (EVP_Q_digest(NULL, "SHA256", NULL, text, name.n + 1, digest, NULL) != 1)
        return false;
    memcpy(ret, digest, ISSUE_ID_BYTES);
    return true;
}

static void set_limit(struct settings_rate rate, struct store_attempt *ret)
{
    ret->most = rate.count > 0 ? (int64_t)rate.count * STORE_ATTEMPT : INT64_MAX;
    ret->per = (int64_t)rate.per;
}

/* A user of the Unix socket, or of a host's own loopback address, is another one on another
 * host. */
static bool is_address(struct slice source)
{
    return source.n > 0 && source.p[0] != 'u' && !slice_is(source, "127.0.0.1") &&
           !slice_is(source, "::/64");
}

static bool is_unlimited(const struct store_attempts *a)
{
    for (size_t i = 0; i < STORE_ATTEMPT_KINDS; i++)
        if (a->of[i].most != INT64_MAX)
            return false;
    return true;
}

/* The limits, and the ids. */
static bool prepare(const struct issuer *x, struct slice user, struct slice source,
                    struct store_attempts *ret)
{
    const struct settings *set = &x->service.settings;

    set_limit(set->session.failures_per_user, &ret->of[STORE_FAILURES]);
    set_limit(set->session.logins_per_user, &ret->of[STORE_LOGINS]);
    set_limit(set->http.failures_per_source, &ret->of[STORE_SOURCE_FAILURES]);
    if (!is_address(source))
        ret->of[STORE_SOURCE_FAILURES].most = INT64_MAX;
    if (is_unlimited(ret))
        return true;
    return write_slow_id(x, user, ret->of[STORE_FAILURES].id) &&
           write_id('u', user, ret->of[STORE_LOGINS].id) &&
           write_id('s', source, ret->of[STORE_SOURCE_FAILURES].id);
}

static enum wire_status reached(enum store_attempt_kind kind, int64_t wait,
                                struct attempts_limit *ret_limit)
{
    *ret_limit = (struct attempts_limit){settings_of[kind], wait > 0 ? (uint64_t)wait : 1};
    return WIRE_THROTTLED;
}

static enum wire_status take(struct issuer *x, struct store_attempts *a,
                             struct attempts_limit *ret_limit)
{
    enum store_attempt_kind kind;
    enum store_result result;
    int64_t wait;

    if (is_unlimited(a))
        return WIRE_OK;
    result = store_attempts_take(x->store, a, &kind, &wait);
    if (result == STORE_ABSENT)
        return reached(kind, wait, ret_limit);
    return result == STORE_DONE ? WIRE_OK : WIRE_UNAVAILABLE;
}

enum wire_status shared_attempts_take(struct issuer *x, struct slice user, struct slice source,
                                      struct store_attempts **ret,
                                      struct attempts_limit *ret_limit)
{
    struct store_attempts *a = calloc(1, sizeof(*a));
    enum wire_status status =
        a && prepare(x, user, source, a) ? take(x, a, ret_limit) : WIRE_UNAVAILABLE;

    if (status == WIRE_OK)
        *ret = a;
    else
        free(a);
    return status;
}

void shared_attempts_settle(struct issuer *x, const struct store_attempts *a,
                            enum attempts_outcome outcome)
{
    static const int64_t back[] = {
        [ATTEMPTS_UNKNOWN] = STORE_ATTEMPT,
        [ATTEMPTS_FAILED] = 0,
        [ATTEMPTS_HALF_FAILED] = STORE_ATTEMPT / 2,
        [ATTEMPTS_SUCCEEDED] = STORE_ATTEMPT,
    };
    bool succeeded = outcome == ATTEMPTS_SUCCEEDED;
    const struct store_attempt *other =
        &a->of[succeeded ? STORE_LOGINS : STORE_SOURCE_FAILURES];
    bool counts = (succeeded || outcome == ATTEMPTS_FAILED) && other->most != INT64_MAX;

    if (a->until > 0 && (counts || back[outcome] > 0)) /* the caller sees a failure */
        (void)!store_attempts_settle(x->store, a, back[outcome], counts ? other : NULL);
}

enum wire_status shared_attempts_count(struct issuer *x, const char *user,
                                       struct attempts_limit *ret_limit)
{
    struct store_attempt logins;
    enum store_result result;
    int64_t wait;

    set_limit(x->service.settings.session.logins_per_user, &logins);
    if (logins.most == INT64_MAX)
        return WIRE_OK;
    if (!write_id('u', slice_of(user), logins.id))
        return WIRE_UNAVAILABLE;
    result = store_attempts_count(x->store, &logins, &wait);
    if (result == STORE_ABSENT)
        return reached(STORE_LOGINS, wait, ret_limit);
    return result == STORE_DONE ? WIRE_OK : WIRE_UNAVAILABLE;
}
