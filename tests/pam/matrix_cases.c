/* The cases: what is shown at the prompt, by whom, and what is wrong on the machine. */
#include "tests/pam/matrix.h"

#include "tests/pam/mint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOW ((int64_t)time(NULL))

static char *number(char ret[64], int64_t n)
{
    (void)snprintf(ret, 64, "%" PRId64, n);
    return ret;
}

static char *sign_and(const struct plan *plan, void (*change)(char *token))
{
    char *token = mint_sign(plan);

    if (change)
        change(token);
    return token;
}

static char *good(const char *user, const char *service)
{
    struct plan p = plan_good(user);

    (void)service;
    return mint_sign(&p);
}

/* A token of the good plan with some members as given. */
#define WITH(function, ...)                                                                    \
    static char *function(const char *user, const char *service)                               \
    {                                                                                          \
        struct plan p = plan_good(user);                                                       \
                                                                                               \
        (void)service;                                                                         \
        __VA_ARGS__;                                                                           \
        return mint_sign(&p);                                                                  \
    }

WITH(expired, number(p.exp, NOW - 10), number(p.iat, NOW - 900))
WITH(not_yet, (void)snprintf(p.more, sizeof(p.more), ",\"nbf\":%" PRId64, NOW + 600))
WITH(another_s, (void)snprintf(p.sub, sizeof(p.sub), "\"carol\""))
WITH(another_host, (void)snprintf(p.aud, sizeof(p.aud), "\"elsewhere.example\""))
WITH(another_issuer, (void)snprintf(p.iss, sizeof(p.iss), "\"https://elsewhere.example\""))
WITH(another_service, (void)snprintf(p.more, sizeof(p.more), ",\"scope\":\"pam:elsewhere\""))
WITH(this_service,
     (void)snprintf(p.more, sizeof(p.more), ",\"scope\":\"mail pam:%s\"", service))
WITH(refresh, (void)snprintf(p.token_type, sizeof(p.token_type), "\"refresh\""))
WITH(one_time, (void)snprintf(p.more, sizeof(p.more), ",\"one_time\":true"))
WITH(no_exp, p.exp[0] = '\0')
WITH(alg_none, (void)snprintf(p.header, sizeof(p.header), "{\"alg\":\"none\",\"typ\":\"JWT\"}"))

static char *spoiled(const char *user, const char *service)
{
    struct plan p = plan_good(user);

    (void)service;
    return sign_and(&p, mint_spoil);
}

static void cut_short(char *token)
{
    token[strlen(token) / 2] = '\0';
}

static char *cut(const char *user, const char *service)
{
    struct plan p = plan_good(user);

    (void)service;
    return sign_and(&p, cut_short);
}

static char *repeat(char letter, size_t n)
{
    char *text = malloc(n + 1);

    ck_assert_ptr_nonnull(text);
    memset(text, letter, n);
    text[n] = '\0';
    return text;
}

static char *bytes_4096(const char *user, const char *service)
{
    (void)user;
    (void)service;
    return repeat('x', 4096);
}

/* Shaped like a token, and longer than any may be. */
static char *too_long(const char *user, const char *service)
{
    char *token = good(user, service);
    char *tail = repeat('A', 9000);
    char *text = NULL;

    ck_assert_int_gt(asprintf(&text, "%s%s", token, tail), 0);
    free(token);
    free(tail);
    return text;
}

/* A constant answer. */
#define TEXT(function, text)                                                                   \
    static char *function(const char *user, const char *service)                               \
    {                                                                                          \
        (void)user;                                                                            \
        (void)service;                                                                         \
        return strdup(text);                                                                   \
    }

TEXT(empty, "")
TEXT(junk, "not the password")
TEXT(bob_password, "bobpw")
TEXT(sshd_junk, "\b\n\r\177INCORRECT\b\n\r\177INCORRECT")
TEXT(bearer_junk, "Bearer eyJhbGciOiJFZERTQSJ9.e30.x")

static char *password(const char *user, const char *service)
{
    (void)service;
    return strdup(strcmp(user, "alice") == 0 ? RIG_ALICE_PASSWORD : RIG_CAROL_PASSWORD);
}

static char *end_of_file(const char *user, const char *service)
{
    (void)user;
    (void)service;
    return NULL;
}

static void end_session(void)
{
    rig_revoke(MINT_SID);
}

static void session_ended(const char *service)
{
    (void)service;
    end_session();
}

static void keys_missing(const char *service)
{
    (void)service;
    ck_assert_int_eq(unlink(rig_path("jwks.json")), 0);
}

static void keys_broken(const char *service)
{
    (void)service;
    rig_write("jwks.json", "{");
}

static void keys_writable(const char *service)
{
    (void)service;
    ck_assert_int_eq(chmod(rig_path("jwks.json"), 0666), 0);
}

static void list_missing(const char *service)
{
    (void)service;
    ck_assert_int_eq(unlink(rig_path("revoked")), 0);
}

static void list_broken(const char *service)
{
    (void)service;
    rig_write("revoked", "x");
}

static void settings_broken(const char *service)
{
    FILE *f;

    (void)service;
    (void)mkdir("/etc/jwt", 0755);
    f = fopen("/etc/jwt/jwt.conf", "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs("nonsense\n", f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* The same token at another service before. */
static void spend(const char *service)
{
    char *token = one_time("alice", service);

    ck_assert_pam(rig_auth("elsewhere", "alice", token), PAM_SUCCESS);
    free(token);
}

static void boot_after(const char *service)
{
    (void)service;
    rig_run_since(NOW);
}

static void clock_was_ahead(const char *service)
{
    (void)service;
    rig_run_since(NOW + 7200);
}

static void disabled(const char *service)
{
    (void)service;
    (void)mkdir("/etc/jwt", 0755);
    ck_assert_int_eq(symlink("nowhere", "/etc/jwt/disabled"), 0);
}

/* The token was accepted before. */
static void disable(void)
{
    disabled(NULL);
}

static void boot_unknown(const char *service)
{
    (void)service;
    ck_assert_int_eq(unlink("/run/jwt/since"), 0);
}

/* Two wrong answers, as many as the stacks with pam_faillock bear. */
static void lock_out(const char *service)
{
    (void)service;
    for (int i = 0; i < 2; i++)
        (void)rig_auth("lock-out", "alice", "wrong");
}

/* Two logins that fail at the very stack. */
static void two_refusals(const char *service)
{
    char *token = another_s("alice", service);

    for (int i = 0; i < 2; i++)
        ck_assert_int_ne(rig_auth(service, "alice", token), PAM_SUCCESS);
    free(token);
}

#define TOKEN (TAKES_TOKEN | TAKES_UNSCOPED)
#define NEVER TAKES_NEVER

const struct matrix_case matrix_cases[] = {
    {"good token", TOKEN, "alice", .answer = good},
    {"good token, auth in a child", TOKEN, "alice", .answer = good, .in_child = true},
    {"good token, for this service", TAKES_TOKEN, "alice", .answer = this_service},
    {"good token, another user", TOKEN | TAKES_CAROL, "carol", .answer = good},
    {"good token, locked out", TOKEN | TAKES_LOCKED_OUT, "alice", .answer = good,
     .before = lock_out},
    {"good token, after two refused", TOKEN | TAKES_SECOND_CHANCE, "alice", .answer = good,
     .before = two_refusals},
    {"good token, expired account", TOKEN | TAKES_EXPIRED, "bob", .answer = good},
    {"good token, root", TOKEN | TAKES_ROOT, "toor", .answer = good},
    {"good token, unknown user", NEVER, "nobodyhere", .answer = good},
    {"good token, session ended", NEVER, "alice", .answer = good, .before = session_ended},
    {"good token, session ended after auth", NEVER, "alice", .answer = good,
     .after_auth = end_session},
    {"good token, keys missing", NEVER, "alice", .answer = good, .before = keys_missing},
    {"good token, keys broken", NEVER, "alice", .answer = good, .before = keys_broken},
    {"good token, keys writable by all", NEVER, "alice", .answer = good,
     .before = keys_writable},
    {"good token, list missing", NEVER, "alice", .answer = good, .before = list_missing},
    {"good token, list broken", NEVER, "alice", .answer = good, .before = list_broken},
    {"good token, settings broken", NEVER, "alice", .answer = good, .before = settings_broken},
    {"good token, disabled", NEVER, "alice", .answer = good, .before = disabled},
    {"good token, disabled after auth", NEVER, "alice", .answer = good, .after_auth = disable},
    {"one-time token", TOKEN, "alice", .answer = one_time},
    {"one-time token, auth in a child", TOKEN, "alice", .answer = one_time, .in_child = true},
    {"one-time token, spent", NEVER, "alice", .answer = one_time, .before = spend},
    {"one-time token, from before the boot", NEVER, "alice", .answer = one_time,
     .before = boot_after},
    {"one-time token, clock was ahead at the boot", TOKEN, "alice", .answer = one_time,
     .before = clock_was_ahead},
    {"one-time token, boot unknown", NEVER, "alice", .answer = one_time,
     .before = boot_unknown},
    {"password", TAKES_PASSWORD, "alice", .answer = password},
    {"password, auth in a child", TAKES_PASSWORD, "alice", .answer = password,
     .in_child = true},
    {"password, locked out", TAKES_PASSWORD | TAKES_LOCKED_OUT, "alice", .answer = password,
     .before = lock_out},
    {"password, keys missing", TAKES_PASSWORD, "alice", .answer = password,
     .before = keys_missing},
    {"password, list missing", TAKES_PASSWORD, "alice", .answer = password,
     .before = list_missing},
    {"password, settings broken", TAKES_PASSWORD, "alice", .answer = password,
     .before = settings_broken},
    {"password, disabled", TAKES_PASSWORD, "alice", .answer = password, .before = disabled},
    {"password, expired account", NEVER, "bob", .answer = bob_password},
    {"no question", TAKES_NO_QUESTION, "alice", .answer = NULL},
    {"junk", NEVER, "alice", .answer = junk},
    {"empty", NEVER, "alice", .answer = empty},
    {"end of file", NEVER, "alice", .answer = end_of_file},
    {"conversation fails", NEVER, "alice", .answer = end_of_file, .fail = PAM_CONV_ERR},
    {"4096 bytes", NEVER, "alice", .answer = bytes_4096},
    {"sshd's junk, unknown user", NEVER, "nobodyhere", .answer = sshd_junk},
    {"expired", NEVER, "alice", .answer = expired},
    {"not yet valid", NEVER, "alice", .answer = not_yet},
    {"another user's", NEVER, "alice", .answer = another_s},
    {"another host", NEVER, "alice", .answer = another_host},
    {"another issuer", NEVER, "alice", .answer = another_issuer},
    {"another service", NEVER, "alice", .answer = another_service},
    {"refresh token", NEVER, "alice", .answer = refresh},
    {"no exp", NEVER, "alice", .answer = no_exp},
    {"alg none", NEVER, "alice", .answer = alg_none},
    {"bad signature", NEVER, "alice", .answer = spoiled},
    {"cut", NEVER, "alice", .answer = cut},
    {"too long", NEVER, "alice", .answer = too_long},
    {"Bearer and junk", NEVER, "alice", .answer = bearer_junk},
};

const size_t matrix_n_cases = sizeof(matrix_cases) / sizeof(matrix_cases[0]);
