#include "jwtctl/run/token.h"

#include "common/config/resolve.h"
#include "common/token/host_key.h"
#include "jwtctl/audience.h"
#include "jwtctl/narrow.h"
#include "jwtctl/output.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define FAR_SUDO_S 60 /* lifetime */

/* The name of the user that tokens of the session are for. Without a claim sub the server says
 * it. */
static enum tok_err read_user(const struct client_session *s, struct secret *ret,
                              struct errmsg *errmsg)
{
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(cleanup_json) struct json_object *claims = NULL;
    const char *name;
    enum tok_err err = session_token_claims(&s->access, &claims);

    if (err)
        return errmsg_set(errmsg, err, "the access token of the session cannot be read");
    name = json_member_text(claims, "sub");
    if (!name) {
        err = session_send(s, (struct client_request){.method = "GET", .path = "/api/user/"},
                           &reply, errmsg);
        if (err)
            return err;
        name = json_member_text(reply.body, "username");
    }
    if (!name)
        return errmsg_set(errmsg, TOK_USER, "the session names no user");
    return secret_copy(slice_of(name), ret);
}

/* A token for another user would be refused, and count as a failed login. */
static enum tok_err check_user(const struct client_session *s, const char *user,
                               struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret name = {0};
    enum tok_err err = read_user(s, &name, errmsg);

    if (err || slice_is(secret_slice(&name), user))
        return err;
    return errmsg_set(errmsg, TOK_USER, "the login is as %s, and the session is of %s", user,
                      name.p);
}

/* A server that does not know a field of the request could ignore it. */
static enum tok_err check_bound(const struct secret *token, const struct narrow_request *asked,
                                struct errmsg *errmsg)
{
    CLEANUP(cleanup_json) struct json_object *claims = NULL;
    CLEANUP(cleanup_free) char *audience = NULL;
    const char *aud, *scope;

    if (asprintf(&audience, "%s%s%s", asked->audience, asked->host_key ? "#" : "",
                 asked->host_key ? asked->host_key : "") < 0)
        out_of_memory();
    if (session_token_claims(token, &claims) == TOK_OK &&
        (aud = json_member_text(claims, "aud")) && strcmp(aud, audience) == 0 &&
        (scope = json_member_text(claims, "scope")) && strcmp(scope, asked->scope) == 0 &&
        json_object_get_boolean(json_member(claims, "one_time")))
        return TOK_OK;
    return errmsg_set(errmsg, TOK_FILE,
                      "the server's token is not limited as requested (one_time, scope %s, aud "
                      "%s); expected jwtd 0.2 or later",
                      asked->scope, audience);
}

static enum tok_err get_token(const struct client_session *s,
                              const struct narrow_request *request, struct secret *ret,
                              struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret token = {0};
    enum tok_err err = narrow_token(s, request, &token, errmsg);

    if (!err)
        err = check_bound(&token, request, errmsg);
    if (err)
        return err;
    *ret = token;
    token = (struct secret){0};
    return TOK_OK;
}

/* What a token for the host of this ssh is bound to. */
static enum tok_err read_host(const struct client_session *s, const struct record *ssh,
                              struct secret *ret_audience, char ret_key[HOST_KEY_LEN + 1],
                              struct errmsg *errmsg)
{
    const char *const names[] = {ssh->host, ssh->name, NULL};
    enum tok_err err;

    if (ssh->mixed)
        return errmsg_set(errmsg, TOK_HOST_KEY, "ssh was presented two different host keys");
    if (!ssh->fingerprint && ssh->own_command)
        return errmsg_set(
            errmsg, TOK_HOST_KEY,
            "ssh has a KnownHostsCommand in its configuration, so jwtctl does not "
            "see the host key");
    if (!ssh->fingerprint || !host_key_read(slice_of(ssh->fingerprint), ret_key))
        return errmsg_set(errmsg, TOK_HOST_KEY,
                          "ssh did not report the host key (expected OpenSSH 8.5 or later)");
    err = check_user(s, ssh->user, errmsg);
    return err ? err : audience_of_host(s, names, ret_audience, errmsg);
}

static enum tok_err token_for_host(const struct client_session *s, const struct record *ssh,
                                   struct narrow_request request, struct secret *ret,
                                   struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret audience = {0};
    char key[HOST_KEY_LEN + 1];
    enum tok_err err = read_host(s, ssh, &audience, key, errmsg);

    request.audience = audience.p;
    request.host_key = key;
    request.one_time = true;
    return err ? err : get_token(s, &request, ret, errmsg);
}

enum tok_err token_for_ssh(const struct client_session *s, const struct record *ssh,
                           struct secret *ret, struct errmsg *errmsg)
{
    return token_for_host(s, ssh, (struct narrow_request){.scope = "pam:sshd"}, ret, errmsg);
}

enum tok_err token_for_far_sudo(const struct client_session *s, const struct record *ssh,
                                struct secret *ret, struct errmsg *errmsg)
{
    return token_for_host(s, ssh,
                          (struct narrow_request){.scope = "pam:sudo", .lifetime = FAR_SUDO_S},
                          ret, errmsg);
}

enum tok_err token_check_far_sudo(const struct client_session *s, const struct record *ssh,
                                  struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret audience = {0};
    char key[HOST_KEY_LEN + 1];

    return read_host(s, ssh, &audience, key, errmsg);
}

/* The audiences with which pam_jwt of this host verifies tokens of the session's issuer, and
 * the pattern of its SSH keys. */
static enum tok_err resolve_host(const struct client_session *s, struct resolved *ret,
                                 struct errmsg *errmsg)
{
    CLEANUP(parsed_token_clear) struct parsed_token token = {0};
    CLEANUP(policy_clear) struct policy words = {0};
    const struct resolve_params params = {.words = &words, .trust = FILE_PUBLIC};
    enum tok_err err = token_parse(secret_slice(&s->access), &token);

    if (!err)
        err = policy_init(&words);
    if (err)
        return errmsg_set(errmsg, err, "%s", tok_err_text(err));
    return resolve_token(&params, &token, ret, errmsg);
}

bool token_fits_sudo(const struct client_session *s)
{
    CLEANUP(resolve_clear) struct resolved host = {.list.fd = -1};
    CLEANUP(secret_clear) struct secret audience = {0};
    struct errmsg ignored;

    return resolve_host(s, &host, &ignored) == TOK_OK &&
           audience_among(s, host.policy.audience, &audience, &ignored) == TOK_OK;
}

static enum tok_err check_own_name(const struct client_session *s, struct errmsg *errmsg)
{
    const struct passwd *pw = getpwuid(getuid());

    if (!pw)
        return errmsg_set(errmsg, TOK_USER, "uid %u has no account", (unsigned)getuid());
    return check_user(s, pw->pw_name, errmsg);
}

/* sudo reads at most 511 characters, so the token has one word of scope: pam:sudo includes
 * sudo-i. A host without SSH keys takes the audience alone. */
enum tok_err token_for_sudo(const struct client_session *s, struct secret *ret,
                            struct errmsg *errmsg)
{
    CLEANUP(resolve_clear) struct resolved host = {.list.fd = -1};
    CLEANUP(secret_clear) struct secret audience = {0};
    struct narrow_request request = {.scope = "pam:sudo", .one_time = true};
    char key[HOST_KEY_LEN + 1];
    enum tok_err err = check_own_name(s, errmsg);

    if (!err)
        err = resolve_host(s, &host, errmsg);
    if (!err)
        err = audience_among(s, host.policy.audience, &audience, errmsg);
    if (!err)
        err = host_key_any(host.policy.host_keys, key, errmsg);
    if (!err)
        request.host_key = key;
    else if (err == TOK_FILE)
        err = TOK_OK;
    request.audience = audience.p;
    return err ? err : get_token(s, &request, ret, errmsg);
}
