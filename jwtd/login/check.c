#include "jwtd/login/check.h"

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/config/pam_stack.h"
#include "common/jose/jws.h"

#include <limits.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NO_TALLIES                                                                             \
    "pam_faillock cannot write its tallies; install " JWT_DATADIR "/faillock.conf as a "       \
    "drop-in, see jwtd-login(8)"

/* For the conversation function. */
struct conversation {
    const char *otp_prompt; /* beginning of the prompt for a code; NULL: none */
    struct secret password, otp;
    bool otp_sent;
    unsigned given;           /* enum wire_amr */
    enum wire_status refused; /* WIRE_OK: it goes on */
    const char *why;          /* of refused, for the log */
};

/* The PAM codes that are about the user. All others are errors of the system. */
static const int denials[] = {
    PAM_AUTH_ERR,     PAM_USER_UNKNOWN, PAM_MAXTRIES,         PAM_PERM_DENIED,
    PAM_ACCT_EXPIRED, PAM_AUTHTOK_ERR,  PAM_NEW_AUTHTOK_REQD, PAM_AUTHTOK_EXPIRED,
    PAM_CONV_ERR,     PAM_CRED_EXPIRED,
};

static enum wire_status status_of(int code)
{
    if (code == PAM_SUCCESS)
        return WIRE_OK;
    for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++)
        if (denials[i] == code)
            return WIRE_DENIED;
    return WIRE_UNAVAILABLE;
}

static void set_verdict(struct check_verdict *v, enum wire_status status, const char *step,
                        const char *what)
{
    v->status = status;
    (void)snprintf(v->reason, sizeof(v->reason), "%s%s%s", step, *step ? ": " : "", what);
}

static void free_replies(struct pam_response *replies, int n)
{
    for (int i = 0; i < n; i++) {
        if (replies[i].resp)
            secret_wipe(replies[i].resp, strlen(replies[i].resp));
        free(replies[i].resp);
    }
    free(replies);
}

static int refuse(struct conversation *talk, enum wire_status status, const char *why)
{
    talk->refused = status;
    talk->why = why;
    return PAM_CONV_ERR;
}

/* Without a code: after a prompt for the password the password was right, in a stack that
 * prompts for the code only then; before it, the password is not known. */
static int answer(struct conversation *talk, const struct pam_message *m, char **ret)
{
    bool is_code =
        talk->otp_prompt && m->msg && text_begins_with(slice_of(m->msg), talk->otp_prompt);
    enum wire_amr what = is_code ? WIRE_AMR_OTP : WIRE_AMR_PWD;

    if (m->msg_style == PAM_ERROR_MSG || m->msg_style == PAM_TEXT_INFO)
        return PAM_SUCCESS;
    if (talk->refused != WIRE_OK)
        return PAM_CONV_ERR;
    if (is_code && !talk->otp_sent && talk->given & WIRE_AMR_PWD)
        return refuse(talk, WIRE_OTP_REQUIRED, "no one-time code was sent");
    if (is_code && !talk->otp_sent)
        return refuse(talk, WIRE_DENIED,
                      "no one-time code was sent, and the PAM stack prompts for it before the "
                      "password");
    if (!is_code && m->msg_style != PAM_PROMPT_ECHO_OFF)
        return refuse(talk, WIRE_DENIED, "the PAM stack prompts for more than a password");
    if (talk->otp_prompt && talk->given & what)
        return refuse(talk, WIRE_DENIED,
                      is_code ? "the PAM stack prompts for two codes"
                              : "the PAM stack prompts for two passwords");
    talk->given |= what;
    *ret = strdup(is_code ? talk->otp.p : talk->password.p);
    return *ret ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret,
                    void *arg)
{
    struct pam_response *replies;

    if (n <= 0 || n > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    replies = calloc((size_t)n, sizeof(*replies));
    if (!replies)
        return PAM_BUF_ERR;
    for (int i = 0; i < n; i++) {
        int r = answer(arg, messages[i], &replies[i].resp);

        if (r != PAM_SUCCESS) {
            free_replies(replies, n);
            return r;
        }
    }
    *ret = replies;
    return PAM_SUCCESS;
}

/* Replaces PAM's delay after a failure: jwtd delays every failed login to the same time. */
static void no_delay(int result, unsigned usec, void *arg)
{
}

/* "uid 1000" is set as PAM_RUSER: the space cannot occur in a user name, so that no module
 * takes it for a user. Any other source is an address and is set as PAM_RHOST. */
static int set_source(pam_handle_t *pamh, struct slice source)
{
    char text[WIRE_SOURCE_MAX + 1];
    bool is_uid = source.n > 4 && memcmp(source.p, "uid ", 4) == 0;

    if (source.n == 0 || source.n > WIRE_SOURCE_MAX)
        return PAM_SUCCESS;
    memcpy(text, source.p, source.n);
    text[source.n] = '\0';
    if (text[strspn(text, "0123456789abcdefABCDEF:./ uid")])
        return PAM_SUCCESS;
    return pam_set_item(pamh, is_uid ? PAM_RUSER : PAM_RHOST, text);
}

static int set_items(pam_handle_t *pamh, struct slice source)
{
    const union {
        void (*fn)(int, unsigned, void *);
        const void *p;
    } delay = {no_delay};
    int r = pam_set_item(pamh, PAM_FAIL_DELAY, delay.p);

    if (r == PAM_SUCCESS)
        r = pam_set_item(pamh, PAM_TTY, "jwtd");
    return r == PAM_SUCCESS ? set_source(pamh, source) : r;
}

static bool user_is_still(pam_handle_t *pamh, const char *name)
{
    const void *now = NULL;

    return pam_get_item(pamh, PAM_USER, &now) == PAM_SUCCESS && now && strcmp(now, name) == 0;
}

static void ask_pam(pam_handle_t *pamh, const char *name, struct slice source,
                    const struct conversation *talk, struct check_verdict *v)
{
    int r = set_items(pamh, source);

    if (r != PAM_SUCCESS) {
        set_verdict(v, WIRE_UNAVAILABLE, "pam_set_item", pam_strerror(pamh, r));
        return;
    }
    r = pam_authenticate(pamh, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    if (talk->refused != WIRE_OK) {
        set_verdict(v, talk->refused, "pam_authenticate", talk->why);
        return;
    }
    v->amr = talk->given;
    set_verdict(v, status_of(r), "pam_authenticate", pam_strerror(pamh, r));
    if (v->status != WIRE_OK)
        return;
    if (!user_is_still(pamh, name)) {
        set_verdict(v, WIRE_DENIED, "pam_authenticate", "a PAM module changed the user name");
        return;
    }
    r = pam_acct_mgmt(pamh, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    set_verdict(v, status_of(r), "pam_acct_mgmt", pam_strerror(pamh, r));
    if (v->status == WIRE_OK && !user_is_still(pamh, name))
        set_verdict(v, WIRE_DENIED, "pam_acct_mgmt", "a PAM module changed the user name");
}

static void run_pam(const struct check_setup *setup, const char *name, struct slice source,
                    struct conversation *talk, struct check_verdict *v)
{
    const struct pam_conv conv = {converse, talk};
    pam_handle_t *pamh = NULL;
    int r;

    r = setup->confdir ? pam_start_confdir(setup->service, name, &conv, setup->confdir, &pamh)
                       : pam_start(setup->service, name, &conv, &pamh);
    if (r != PAM_SUCCESS) {
        set_verdict(v, WIRE_UNAVAILABLE, "", "pam_start failed");
        return;
    }
    ask_pam(pamh, name, source, talk, v);
    (void)pam_end(pamh, v->status == WIRE_OK ? PAM_SUCCESS : PAM_AUTH_ERR);
}

static bool copy_name(struct slice user, char ret[WIRE_USER_MAX + 1])
{
    memset(ret, 0, WIRE_USER_MAX + 1);
    if (user.n > WIRE_USER_MAX || !username_valid(user))
        return false;
    memcpy(ret, user.p, user.n);
    return true;
}

/* A tally belongs to its user, with the group of the program that made it, such as a su of
 * another user. arg: the user, or "" for any. */
static bool tally_writable(void *arg, const char *dir)
{
    const char *user = arg;
    char path[PATH_MAX];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, user);
    if (geteuid() != 0 || access(dir, W_OK) != 0)
        return false;
    if (user[0] == '\0')
        return true;
    if (lstat(path, &st) != 0)
        return errno == ENOENT;
    return S_ISREG(st.st_mode) && access(path, R_OK | W_OK) == 0;
}

/* Where pam_faillock cannot write it does nothing, and reports no error. */
static bool lockout_works(const struct check_setup *setup, struct slice user)
{
    char name[WIRE_USER_MAX + 1];

    (void)copy_name(user, name);
    return pam_stack_each_faillock(setup->service, setup->confdir, tally_writable, name);
}

static void set_state(const struct login_account *account, enum wire_status gone,
                      enum wire_status unusable, struct check_verdict *v)
{
    const char *text = account_state_text(account->state);

    switch (account->state) {
    case ACCOUNT_USABLE:
        set_verdict(v, WIRE_OK, "", text);
        memcpy(v->stamp, account->stamp, sizeof(v->stamp));
        v->stamp_n = account->stamp_n;
        v->uid = account->uid;
        break;
    case ACCOUNT_GONE:
        set_verdict(v, gone, "", text);
        break;
    case ACCOUNT_RENAMED:
        set_verdict(v, gone, text, account->spelled);
        break;
    case ACCOUNT_UNREACHABLE:
        set_verdict(v, WIRE_UNAVAILABLE, "", text);
        break;
    case ACCOUNT_EXPIRED:
    case ACCOUNT_AGED:
    case ACCOUNT_LOCKED:
    case ACCOUNT_REFUSED:
        set_verdict(v, unusable, "", text);
        break;
    }
}

/* Looks the account up. True when it exists; its name may then be logged. */
static bool find(const struct check_setup *setup, struct slice user,
                 struct login_account *account, struct check_verdict *v)
{
    char name[WIRE_USER_MAX + 1];

    *account = (struct login_account){.state = ACCOUNT_GONE};
    if (!copy_name(user, name))
        return false;
    account_look(name, setup->today, setup->settings, account);
    if (account->state == ACCOUNT_GONE || account->state == ACCOUNT_RENAMED ||
        account->state == ACCOUNT_UNREACHABLE)
        return false;
    memcpy(v->user, name, sizeof(v->user));
    return true;
}

/* What pam_jwt accepts as a token, or takes for a damaged one. A stack with pam_jwt in it, of
 * another service, would accept a token: then a token could obtain new ones without end. */
static bool is_token(struct slice password)
{
    struct jws_header header;
    struct jws parts;

    return jws_is_shaped(password) || (jws_split(password, &parts) == TOK_OK &&
                                       jws_read_header(parts.header, &header) == TOK_OK);
}

static void call_pam(const struct check_setup *setup, const struct check_login *login,
                     struct check_verdict *v)
{
    struct conversation talk = {.otp_prompt = setup->settings->session.otp_prompt,
                                .otp_sent = login->otp.n > 0};

    if (secret_copy(login->password, &talk.password) == TOK_OK &&
        secret_copy(login->otp, &talk.otp) == TOK_OK)
        run_pam(setup, v->user, login->source, &talk, v);
    else
        set_verdict(v, WIRE_UNAVAILABLE, "", "out of memory");
    secret_clear(&talk.password);
    secret_clear(&talk.otp);
}

void check_password(const struct check_setup *setup, const struct check_login *login,
                    struct check_verdict *ret)
{
    struct check_verdict v = {.status = WIRE_DENIED};
    struct login_account account;

    /* Before the account is looked up, so that the answer is the same for every name. */
    if (!lockout_works(setup, login->user)) {
        v.no_tallies = true;
        set_verdict(&v, WIRE_UNAVAILABLE, "", NO_TALLIES);
        *ret = v;
        return;
    }
    /* PAM is called for existing accounts only: users type passwords where a name is asked for,
     * and modules log names. */
    if (!find(setup, login->user, &account, &v)) {
        set_state(&account, WIRE_DENIED, WIRE_DENIED, &v);
        *ret = v;
        return;
    }
    if (is_token(login->password))
        set_verdict(&v, WIRE_DENIED, "", "the password has the form of a token");
    else
        call_pam(setup, login, &v);
    /* The account was read before PAM was called and is checked after: a login to an unusable
     * account takes as long as any other, and when the password changes in between the stamp is
     * that of the old one. */
    if (v.status == WIRE_OK ||
        (v.status == WIRE_OTP_REQUIRED && account.state != ACCOUNT_USABLE))
        set_state(&account, WIRE_DENIED, WIRE_DENIED, &v);
    *ret = v;
}

void check_account(const struct check_setup *setup, struct slice user,
                   struct check_verdict *ret)
{
    struct check_verdict v = {.status = WIRE_NOT_FOUND};
    struct login_account account;

    if (find(setup, user, &account, &v) && !setup->settings->session.check_account)
        account.state = ACCOUNT_USABLE;
    set_state(&account, WIRE_NOT_FOUND, WIRE_INACTIVE, &v);
    *ret = v;
}
