/* jwtctl status: who is logged in, and until when; for root also the state of jwtd-issuer. */
#include "common/config/disabled.h"
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/session.h"
#include "jwtctl/verifier.h"

#include <inttypes.h>
#include <stdio.h>

/* The caller's session, and the user by its server. */
struct login_status {
    struct client_session session;
    struct json_object *claims;
    struct client_reply reply; /* of GET /api/user/ */
    struct token_times access, refresh;
    bool valid;           /* there is a valid access token, and no server refused it */
    bool confirmed;       /* the server accepts it */
    struct errmsg errmsg; /* unless confirmed */
};

static void login_status_clear(struct login_status *l)
{
    session_clear(&l->session);
    json_object_put(l->claims);
    client_reply_clear(&l->reply);
}

static void get_login(const char *server, struct login_status *l)
{
    enum tok_err err;

    if (session_get(server, &l->session, &l->errmsg) != TOK_OK)
        return;
    if (session_token_claims(&l->session.access, &l->claims) != TOK_OK ||
        session_token_times(&l->session.access, &l->access) != TOK_OK ||
        session_end_times(&l->session, &l->refresh) != TOK_OK) {
        (void)errmsg_set(
            &l->errmsg, TOK_FILE,
            "the tokens of the session cannot be read; log in again with: jwtctl login");
        return;
    }
    err = session_send(&l->session,
                       (struct client_request){.method = "GET", .path = "/api/user/"},
                       &l->reply, &l->errmsg);
    l->confirmed = err == TOK_OK;
    l->valid = err != TOK_REVOKED;
}

/* "" when it is missing. */
static const char *claim_of(const struct login_status *l, const char *name)
{
    const char *text = json_member_text(l->claims, name);

    return text ? text : "";
}

/* The server's name comes first: another claim than sub may name the user. */
static const char *user_of(const struct login_status *l)
{
    const char *name = json_member_text(l->reply.body, "username");

    return name ? name : claim_of(l, "sub");
}

static struct json_object *login_json(const struct login_status *l)
{
    struct json_object *login;

    if (!l->valid)
        return NULL;
    login = json_new_object();
    json_add_string(login, "user", slice_of(user_of(l)));
    json_add_string(login, "server", secret_slice(&l->session.server));
    json_add_string(login, "sid", slice_of(claim_of(l, "sid")));
    json_add_integer(login, "access_expires", l->access.exp);
    json_add_integer(login, "session_expires", l->refresh.exp);
    json_add_bool(login, "confirmed", l->confirmed);
    return login;
}

static void print_login(const struct login_status *l)
{
    char time[FORMAT_MAX];

    printf(l->confirmed ? "Logged in as " : "Tokens of ");
    print_word(user_of(l));
    printf(" at ");
    print_word(l->session.server.p);
    printf(l->confirmed ? " until %s\n" : ", not expired until %s\n",
           format_time(l->refresh.exp, time));
    printf("session ");
    print_word(claim_of(l, "sid"));
    printf(", access token until %s, %s\n", format_time(l->access.exp, time),
           l->confirmed ? "confirmed by the server"
                        : "the server could not be asked whether they are valid");
}

/* The state of jwtd-issuer, which root alone can ask for. */
struct issuer_status {
    bool asked;
    enum tok_err err; /* TOK_MISSING: no issuer on this machine */
    struct errmsg errmsg;
    struct json_object *json;
};

static void issuer_status_clear(struct issuer_status *i)
{
    json_object_put(i->json);
}

static void get_issuer(const char *socket, struct issuer_status *i)
{
    struct admin_answer answer;

    i->asked = geteuid() == 0;
    if (!i->asked)
        return;
    i->err = admin_send(socket, WIRE_ADMIN_STATUS, NULL, &answer, &i->errmsg);
    if (!i->err && (answer.message.status != WIRE_OK ||
                    json_read(answer.message.v[0].text, &i->json) != TOK_OK))
        i->err = errmsg_set(&i->errmsg, TOK_FILE,
                            "jwtd-issuer is of another release than jwtctl " JWT_VERSION
                            "; install the same release");
}

/* Prints nothing when the member is missing. */
static void print_text_member(const char *before, struct json_object *object, const char *name)
{
    const char *text = json_member_text(object, name);

    if (!text)
        return;
    printf("%s", before);
    print_word(text);
}

static int64_t integer_or_0(struct json_object *object, const char *name)
{
    int64_t n = 0;

    (void)json_member_integer(object, name, &n);
    return n;
}

static void print_key(struct json_object *key)
{
    char time[FORMAT_MAX];
    int64_t until = integer_or_0(key, "until");

    print_text_member("\n  key ", key, "kid");
    print_text_member(" ", key, "alg");
    if (json_object_get_boolean(json_member(key, "signs")))
        printf(", signing");
    else if (integer_or_0(key, "from") > 0)
        printf(", signs from %s on", format_time(integer_or_0(key, "from"), time));
    else if (until > 0)
        printf(", published until %s", format_time(until, time));
    else
        printf(", published");
}

static void print_bundle(struct json_object *bundle)
{
    int64_t iat = integer_or_0(bundle, "signed");
    char time[FORMAT_MAX];

    if (!bundle)
        return;
    printf("\n  bundle epoch %" PRId64 ", ", integer_or_0(bundle, "epoch"));
    if (iat > 0)
        printf("seq %" PRId64 ", signed %s", integer_or_0(bundle, "seq"),
               format_time(iat, time));
    else
        printf("not requested since the daemon started");
}

static void print_issuer(struct json_object *status)
{
    struct json_object *audience = json_member(status, "audience");
    struct json_object *keys = json_member(status, "keys");
    struct json_object *sessions = json_member(status, "sessions");
    struct json_object *store = json_member(status, "store");

    print_text_member("jwtd-issuer ", status, "version");
    print_text_member(", issuer ", status, "issuer");
    for (size_t i = 0; i < json_length(audience); i++) {
        printf(i == 0 ? ", audience " : ", ");
        print_word(json_text(json_object_array_get_idx(audience, i)));
    }
    for (size_t i = 0; i < json_length(keys); i++)
        print_key(json_object_array_get_idx(keys, i));
    print_bundle(json_member(status, "bundle"));
    if (sessions)
        printf("\n  %s%" PRId64 " live session%s",
               json_object_get_boolean(json_member(sessions, "more")) ? "at least " : "",
               integer_or_0(sessions, "live"), integer_or_0(sessions, "live") == 1 ? "" : "s");
    printf(", %" PRId64 " revoked", integer_or_0(status, "revoked"));
    if (store) {
        print_text_member("\n  store ", store, "path");
        if (json_member(store, "bytes"))
            printf(", %" PRId64 " bytes", integer_or_0(store, "bytes"));
    }
    if (integer_or_0(status, "clock_behind") > 0)
        printf("\n  system clock %" PRId64 " s behind the newest session",
               integer_or_0(status, "clock_behind"));
    if (json_member(status, "wanted"))
        printf("\n  Issuer= or Audience= changed, not in use yet: jwtctl config apply-names");
    if (json_object_get_boolean(json_member(status, "copy")))
        printf("\n  keys of a machine with another machine-id, see: jwtctl doctor");
    putchar('\n');
}

static void print_status(const struct login_status *l, const struct issuer_status *i)
{
    if (l->valid)
        print_login(l);
    if (i->json)
        print_issuer(i->json);
    if (!l->confirmed)
        print_error("%s", l->errmsg.text);
    if (i->asked && i->err && i->err != TOK_MISSING)
        print_error("%s", i->errmsg.text);
    print_disabled();
}

static void print_status_json(const struct login_status *l, const struct issuer_status *i)
{
    CLEANUP(cleanup_json) struct json_object *answer = json_new_object();

    json_add(answer, "login", login_json(l));
    if (!l->confirmed)
        json_add_string(answer, "error", slice_of(l->errmsg.text));
    json_add(answer, "daemon", json_object_get(i->json));
    json_add_bool(answer, "disabled", disabled_check(NULL) != TOK_OK);
    json_print(answer);
}

int command_status(int argc, char **argv)
{
    CLEANUP(login_status_clear) struct login_status login = {0};
    CLEANUP(issuer_status_clear) struct issuer_status issuer = {0};
    const char *socket = ADMIN_SOCKET, *server = NULL;
    bool json = false;
    const struct option_row options[] = {
        OPTION_SERVER(&server), ADMIN_ROW(&socket), OPTION_OUTPUT(&json), {0}};

    arguments_parse(argc, argv, options, 0);
    get_login(server, &login);
    get_issuer(socket, &issuer);
    if (json)
        print_status_json(&login, &issuer);
    else
        print_status(&login, &issuer);
    /* On an issuer, root's exit status reports the issuer. */
    if (issuer.asked && issuer.err != TOK_MISSING)
        return issuer.err ? EXIT_FAILURE : EXIT_SUCCESS;
    return login.confirmed ? EXIT_SUCCESS : EXIT_FAILURE;
}
