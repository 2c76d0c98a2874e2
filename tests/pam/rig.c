#include "tests/pam/rig.h"

#include "common/base/file.h"
#include "common/jose/keyset.h"
#include "common/token/revoked.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define NOBODY 65534

static struct {
    char dir[256];
    struct key *key;
} rig;

const char *rig_path(const char *name)
{
    static char ring[8][512];
    static size_t next;
    char *room = ring[next++ % 8];

    (void)snprintf(room, sizeof(ring[0]), "%s/%s", rig.dir, name);
    return room;
}

const struct key *rig_key(void)
{
    return rig.key;
}

size_t rig_entries(const char *path)
{
    DIR *d = opendir(path);
    size_t n = 0;

    ck_assert_ptr_nonnull(d);
    while (readdir(d))
        n++;
    (void)closedir(d);
    return n;
}

void rig_write(const char *name, const char *text)
{
    FILE *f = fopen(rig_path(name), "we");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(rig_path(name), 0644), 0);
}

static void expand(FILE *f, const char *text)
{
    for (; *text; text++) {
        if (*text == '@')
            (void)fputs(getenv("PAM_JWT_MODULE"), f);
        else if (*text == '%')
            (void)fputs(rig.dir, f);
        else if (*text == '~')
            (void)fputs(getenv("PAM_SHOW_MODULE"), f);
        else if (*text == '#')
            (void)fprintf(f,
                          "keys=%s/jwks.json issuer=" RIG_ISSUER " audience=" RIG_AUDIENCE
                          " revoked=%s/revoked",
                          rig.dir, rig.dir);
        else
            (void)fputc(*text, f);
    }
}

void rig_stack(const char *service, const char *text)
{
    char name[128];
    FILE *f;

    (void)snprintf(name, sizeof(name), "pam.d/%s", service);
    f = fopen(rig_path(name), "we");
    ck_assert_ptr_nonnull(f);
    expand(f, text);
    ck_assert_int_eq(fclose(f), 0);
}

void rig_probe(const char *options)
{
    char text[4096];

    (void)snprintf(text, sizeof(text),
                   "auth [success=done ignore=ignore default=die] @ %s\n"
                   "auth required pam_debug.so auth=module_unknown cred=module_unknown\n"
                   "account [success=done ignore=ignore default=die] @ %s\n"
                   "account required pam_debug.so acct=module_unknown\n"
                   "session [success=done ignore=ignore default=die] @ %s\n"
                   "session required pam_debug.so open_session=module_unknown "
                   "close_session=module_unknown\n"
                   "password [success=done ignore=ignore default=die] @ %s\n"
                   "password required pam_debug.so chauthtok=module_unknown "
                   "prechauthtok=module_unknown\n",
                   options, options, options, options);
    rig_stack(RIG_PROBE, text);
}

void rig_revoke(const char *sid)
{
    char line[REVOKED_LINE_LEN + 1] = "";

    if (*sid)
        revoked_line(sid, 9999999999, line);
    rig_write("revoked", line);
}

void rig_copy(const char *name, const char *path)
{
    CLEANUP(secret_clear) struct secret text = {0};

    ck_assert_ok(file_read(rig_path(name), FILE_OWN, 65536, &text, NULL));
    ck_assert_ok(file_write(path, secret_slice(&text), 0644, NULL));
}

void rig_publish(void)
{
    rig_write("issuer", "Issuer=" RIG_ISSUER "\nAudience=" RIG_AUDIENCE "\n");
    rig_copy("issuer", "/var/lib/jwt/issuer");
    rig_copy("jwks.json", "/var/lib/jwt/jwks.json");
    rig_copy("revoked", "/var/lib/jwt/revoked");
}

/* What a failed test may have left in the module's default places. */
static void clear_defaults(void)
{
    (void)unlink("/etc/jwt/jwt.conf");
    (void)rmdir("/etc/jwt/disabled");
    (void)unlink("/etc/jwt/disabled");
    (void)unlink("/var/lib/jwt/issuer");
    (void)unlink("/var/lib/jwt/jwks.json");
    (void)unlink("/var/lib/jwt/revoked");
    (void)unlink("/var/lib/jwt/synced");
}

static void remove_tree(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    char child[1024];

    while (d && (entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(child, sizeof(child), "%s/%s", path, entry->d_name);
        if (entry->d_type == DT_DIR)
            remove_tree(child);
        else
            (void)unlink(child);
    }
    if (d)
        (void)closedir(d);
    (void)rmdir(path);
}

void rig_run_clear(void)
{
    (void)unlink("/run/jwt/used"); /* a test's link */
    remove_tree("/run/jwt");
}

void rig_run_since(int64_t mtime)
{
    const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
    int fd = open("/run/jwt/since", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(futimens(fd, times), 0);
    (void)close(fd);
}

void rig_run_make(void)
{
    ck_assert_int_eq(mkdir("/run/jwt", 0755), 0);
    ck_assert_int_eq(mkdir("/run/jwt/used", 0700), 0);
    rig_run_since(time(NULL) - 3600);
}

void rig_keys(void)
{
    char *jwk = NULL;
    char set[1024];

    ck_assert_ok(key_public_jwk(rig.key, &jwk));
    (void)snprintf(set, sizeof(set), "{\"keys\":[%s]}", jwk);
    free(jwk);
    rig_write("jwks.json", set);
}

static void rig_setup(void)
{
    ck_assert_ptr_nonnull(getenv("PAM_JWT_MODULE"));
    ck_assert_ptr_nonnull(getenv("PAM_JWT_WORK"));
    clear_defaults();
    rig_clock_set(0);
    (void)snprintf(rig.dir, sizeof(rig.dir), "%s/rig.XXXXXX", getenv("PAM_JWT_WORK"));
    ck_assert_ptr_nonnull(mkdtemp(rig.dir));
    ck_assert_int_eq(chmod(rig.dir, 0755), 0);
    ck_assert_int_eq(mkdir(rig_path("pam.d"), 0755), 0);
    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &rig.key));
    rig_keys();
    rig_revoke("");
    rig_probe("#");
    rig_stack(RIG_RECOMMENDED,
              RIG_AUTH "@ ignore_non_token #\n"
                       "auth [success=1 default=ignore] pam_unix.so nullok\n"
                       "auth requisite pam_deny.so\n"
                       "auth required pam_permit.so\n" RIG_ACCOUNT "@ ignore_non_token #\n"
                       "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"
                       "account requisite pam_deny.so\n"
                       "account required pam_permit.so\n" RIG_SESSION "@ ignore_non_token #\n"
                       "session required pam_permit.so\n");
    rig_run_clear();
    rig_run_make();
    rig_log_clear();
}

static void rig_teardown(void)
{
    key_free(rig.key);
    rig.key = NULL;
    remove_tree(rig.dir);
    rig_run_clear();
}

static int answer_one(struct talk *talk, const struct pam_message *m, struct pam_response *ret)
{
    size_t used = strlen(talk->shown);

    if (m->msg_style == PAM_ERROR_MSG || m->msg_style == PAM_TEXT_INFO) {
        (void)snprintf(talk->shown + used, sizeof(talk->shown) - used, "%s\n", m->msg);
        return PAM_SUCCESS;
    }
    talk->prompts++;
    (void)snprintf(talk->prompt, sizeof(talk->prompt), "%s", m->msg);
    if (talk->fail)
        return talk->fail;
    if (talk->second && talk->prompts > 1)
        ret->resp = strdup(talk->second);
    else if (talk->answer)
        ret->resp = strdup(talk->answer);
    return PAM_SUCCESS;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret,
                    void *data)
{
    struct pam_response *answers = calloc((size_t)n, sizeof(*answers));

    if (!answers)
        return PAM_BUF_ERR;
    for (int i = 0; i < n; i++) {
        int rc = answer_one(data, messages[i], &answers[i]);

        if (rc != PAM_SUCCESS) {
            free(answers);
            return rc;
        }
    }
    *ret = answers;
    return PAM_SUCCESS;
}

/* What a failed login waits is pam_unix's promise, not ours. */
static void no_delay(int status, unsigned usec, void *data)
{
    (void)status;
    (void)usec;
    (void)data;
}

pam_handle_t *rig_start(const char *service, const char *user, struct talk *talk)
{
    struct pam_conv conv = {converse, talk};
    void (*const delay)(int, unsigned, void *) = no_delay;
    pam_handle_t *pamh = NULL;
    const void *item;

    ck_assert_pam(pam_start_confdir(service, user, &conv, rig_path("pam.d"), &pamh),
                  PAM_SUCCESS);
    /* PAM takes a function as an object; ISO C has no cast for that. */
    memcpy(&item, &delay, sizeof(item));
    ck_assert_pam(pam_set_item(pamh, PAM_FAIL_DELAY, item), PAM_SUCCESS);
    ck_assert_pam(pam_set_item(pamh, PAM_RHOST, "192.0.2.7"), PAM_SUCCESS);
    return pamh;
}

int rig_auth(const char *service, const char *user, const char *answer)
{
    struct talk talk = {.answer = answer};
    pam_handle_t *pamh = rig_start(service, user, &talk);
    int rc = pam_authenticate(pamh, 0);

    ck_assert_pam(pam_end(pamh, rc), PAM_SUCCESS);
    return rc;
}

int rig_login(const char *service, const char *user, const char *answer)
{
    struct talk talk = {.answer = answer};
    pam_handle_t *pamh = rig_start(service, user, &talk);
    int rc = pam_authenticate(pamh, 0);

    if (rc == PAM_SUCCESS)
        rc = pam_acct_mgmt(pamh, 0);
    ck_assert_pam(pam_end(pamh, rc), PAM_SUCCESS);
    return rc;
}

int rig_login_as_nobody(const char *user, const char *answer)
{
    pid_t pid = fork();
    int status = 0;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
            _exit(100);
        _exit(rig_login(RIG_PROBE, user, answer));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int rig_run(const char *name, const TTest *const *tests, size_t n)
{
    return rig_run_all(name, tests, n, NULL, 0);
}

int rig_run_all(const char *name, const TTest *const *tests, size_t n,
                const struct unit_loop *loops, size_t n_loops)
{
    return unit_run_all(name, tests, n, loops, n_loops, rig_setup, rig_teardown);
}
