/* The PAM stacks that contain pam_jwt, and their results (pam_model.h). */
#include "common/base/text.h"
#include "jwtctl/doctor/doctor.h"
#include "jwtctl/doctor/pam_model.h"
#include "jwtctl/output.h"

#include <dirent.h>
#include <stdio.h>

#define PASSWORDS "ignore=ignore module_unknown=ignore service_err=ignore"
#define REPORTED_MAX 32

struct stack_check {
    struct doctor *d;
    const char *service;
    struct model auth, account;
    const struct pam_line *jwt; /* the line of pam_jwt in auth */
    bool passwords;             /* a module that may check a password is in auth */
    bool token_suffices;
    unsigned services;
    struct doctor_text reported[REPORTED_MAX]; /* of lines that several services include */
    size_t n_reported;
};

static void find(struct stack_check *c, enum doctor_status status, const struct pam_line *at,
                 const char *message, const char *remedy)
{
    struct doctor_text where;

    (void)doctor_text(&where, "%s:%u", at->file, at->line);
    for (size_t i = 0; i < c->n_reported; i++)
        if (strcmp(c->reported[i].text, where.text) == 0)
            return;
    if (c->n_reported < REPORTED_MAX)
        c->reported[c->n_reported++] = where;
    doctor_report(c->d, status, (struct advice){where.text, remedy ? remedy : "man 8 pam_jwt"},
                  "service %s: %s", c->service, message);
}

/* The recommended line of auth, with the other arguments of the present one. */
static const char *auth_line(const struct stack_check *c, struct doctor_text *to)
{
    struct slice rest = slice_of(c->jwt->arguments), word;
    size_t n;

    (void)doctor_text(to, "auth [success=done %s default=die] pam_jwt.so%s",
                      c->passwords ? PASSWORDS : "ignore=ignore",
                      c->passwords ? " ignore_non_token" : "");
    while (text_next_word(&rest, ' ', &word)) {
        n = strlen(to->text);
        if (!slice_is(word, "ignore_non_token"))
            (void)snprintf(to->text + n, sizeof(to->text) - n, " %.*s", (int)word.n, word.p);
    }
    return to->text;
}

/* A command that inserts a line above another; when `from` has it already, it is moved from
 * there. It goes to the file that `beside` is in, which is the service's or an included one. */
static const char *insert_line(struct doctor_text *to, const char *line,
                               const struct pam_line *above, const struct pam_line *beside,
                               const struct pam_line *from)
{
    bool of_service = beside->from_line == 0;
    const char *file = of_service ? beside->file : above->file;
    char removal[32] = "";

    if (from && strcmp(from->file, file) != 0)
        return NULL;
    if (from)
        (void)snprintf(removal, sizeof(removal), " -e %ud", from->line);
    return doctor_text(to, "sed -i -e '%ui %s'%s %s",
                       of_service && above->from_line ? above->from_line : above->line, line,
                       removal, file);
}

#define OPEN "anyone can log in: no line below refuses what pam_jwt has refused or ignored"
#define OPEN_WITHOUT                                                                           \
    "anyone can log in while the module is missing or an option is wrong: "                    \
    "module_unknown=ignore "                                                                   \
    "and service_err=ignore are for stacks with passwords"
#define LOCKOUT                                                                                \
    "no user can log in while the module is missing or an option is wrong: "                   \
    "module_unknown=ignore or service_err=ignore is missing"

/* What a stack must return, in the order in which a broken rule is shown. */
struct rule {
    enum model_result jwt, password;
    bool must_succeed;
    bool for_passwords; /* of stacks in which a password is accepted in place of a token */
    enum doctor_status status;
    const char *message;
};

/* MODEL_TYPED: pam_jwt got a password. */
static const struct rule auth_rules[] = {
    {MODEL_FAILURE, MODEL_FAILURE, false, false, DOCTOR_ERROR, OPEN},
    {MODEL_TYPED, MODEL_FAILURE, false, false, DOCTOR_ERROR, OPEN},
    {MODEL_MISSING, MODEL_FAILURE, false, false, DOCTOR_ERROR, OPEN_WITHOUT},
    {MODEL_OPTION, MODEL_FAILURE, false, false, DOCTOR_ERROR, OPEN_WITHOUT},
    {MODEL_SUCCESS, MODEL_SUCCESS, true, false, DOCTOR_ERROR,
     "no token is accepted: a line below fails after pam_jwt has accepted it"},
    {MODEL_TYPED, MODEL_SUCCESS, true, true, DOCTOR_ERROR,
     "no password is accepted: ignore=ignore or ignore_non_token is missing"},
    {MODEL_MISSING, MODEL_SUCCESS, true, true, DOCTOR_WARNING, LOCKOUT},
    {MODEL_OPTION, MODEL_SUCCESS, true, true, DOCTOR_WARNING, LOCKOUT},
    {0},
};

/* Passwords and accounts are right. */
static const struct rule account_rules[] = {
    {MODEL_FAILURE, MODEL_SUCCESS, false, false, DOCTOR_ERROR,
     "a token that pam_jwt refuses in the account stack is accepted"},
    {MODEL_SUCCESS, MODEL_SUCCESS, true, false, DOCTOR_ERROR,
     "no token is accepted: the account stack fails even if pam_jwt succeeds"},
    {MODEL_IGNORED, MODEL_SUCCESS, true, true, DOCTOR_ERROR,
     "no password is accepted: ignore=ignore is missing"},
    {MODEL_MISSING, MODEL_SUCCESS, true, true, DOCTOR_WARNING, LOCKOUT},
    {MODEL_OPTION, MODEL_SUCCESS, true, true, DOCTOR_WARNING, LOCKOUT},
    {0},
};

static const struct rule *find_broken(const struct stack_check *c, const struct model *m,
                                      const struct rule *rule)
{
    for (; rule->message; rule++)
        if ((!rule->for_passwords || (c->passwords && c->token_suffices)) &&
            model_try(m, rule->jwt, rule->password).success != rule->must_succeed)
            return rule;
    return NULL;
}

static void check_auth(struct stack_check *c)
{
    const struct model *m = &c->auth;
    struct model_outcome valid = model_try(m, MODEL_SUCCESS, MODEL_FAILURE);
    const struct pam_line *above = model_find(m, MODEL_PASSWORD);
    const struct rule *broken;
    struct doctor_text line, remedy;
    const char *correct;

    c->token_suffices = valid.success;
    broken = find_broken(c, m, auth_rules);
    correct = doctor_text(&remedy, "sed -i '%uc %s' %s", c->jwt->line, auth_line(c, &line),
                          c->jwt->file);
    if (!valid.reached)
        find(c, DOCTOR_ERROR, c->jwt,
             "no token is accepted: a line above ends the stack before pam_jwt is called",
             insert_line(&remedy, line.text, above ? above : &m->lines[0].at, c->jwt, c->jwt));
    else if (broken)
        find(c, broken->status, c->jwt, broken->message, correct);
    else if (valid.success && model_try(m, MODEL_FAILURE, MODEL_FAILURE).passed_on)
        find(c, DOCTOR_WARNING, c->jwt,
             "a refused token is passed to the modules below: default=die is missing", correct);
}

static void check_account(struct stack_check *c)
{
    const struct model *m = &c->account;
    const struct pam_line *jwt = model_find(m, MODEL_JWT), *first = &m->lines[0].at;
    const struct rule *broken = find_broken(c, m, account_rules);
    struct doctor_text line, remedy;

    (void)doctor_text(&line, "account %s pam_jwt.so%s%s",
                      c->passwords ? "[success=ok new_authtok_reqd=ok " PASSWORDS
                                     " default=bad]"
                                   : "required",
                      jwt && *jwt->arguments ? " " : "", jwt ? jwt->arguments : "");
    if (!jwt)
        find(c, DOCTOR_ERROR, c->jwt, "the account stack has no line of pam_jwt",
             m->n > 0 ? insert_line(&remedy, line.text, first, c->jwt, NULL) : NULL);
    else if (!model_try(m, MODEL_SUCCESS, MODEL_SUCCESS).reached)
        find(c, DOCTOR_ERROR, jwt,
             "the account stack does not check tokens: it ends before pam_jwt is called",
             insert_line(&remedy, line.text, first, jwt, jwt));
    else if (broken)
        find(c, broken->status, jwt, broken->message,
             doctor_text(&remedy, "sed -i '%uc %s' %s", jwt->line, line.text, jwt->file));
}

static void check_session(struct stack_check *c, const struct model *m)
{
    bool registered = false;

    for (size_t i = 0; i < m->n; i++) {
        const struct model_line *line = &m->lines[i];

        if (registered && line->kind == MODEL_JWT &&
            model_has_word(line->at.arguments, SLICE("session_limit")))
            find(c, DOCTOR_ERROR, &line->at,
                 "session_limit has no effect: pam_systemd comes before it", NULL);
        registered = registered || text_ends_with(slice_of(line->at.module), "pam_systemd.so");
    }
}

static bool is_option(const char *word)
{
    CLEANUP(policy_clear) struct policy policy = {0};
    struct slice name = slice_of(word), value = {NULL, 0};
    struct errmsg ignored;

    if (policy_init(&policy) != TOK_OK)
        out_of_memory();
    (void)slice_cut(name, '=', &name, &value);
    return model_has_word(value.p
                              ? "prompt config"
                              : "use_first_pass try_first_pass ignore_non_token session_limit "
                                "quiet debug",
                          name) ||
           policy_set(&policy, name, value, &ignored) == TOK_OK;
}

static void check_options(struct stack_check *c, const struct model *m)
{
    struct doctor_text message;

    for (size_t i = 0; i < m->n; i++) {
        char *rest = m->lines[i].at.arguments;
        const char *word;

        while (m->lines[i].kind == MODEL_JWT && (word = pam_stack_word(&rest)))
            if (!is_option(word))
                find(c, DOCTOR_ERROR, &m->lines[i].at,
                     doctor_text(&message,
                                 "every token is refused: the option '%s' is unknown or "
                                 "has a wrong value",
                                 word),
                     NULL);
    }
}

static void check_service(struct stack_check *c)
{
    CLEANUP(model_clear) struct model session = {0};

    if (!model_read(c->service, "auth", &c->auth) ||
        !model_read(c->service, "account", &c->account) ||
        !model_read(c->service, "session", &session))
        return; /* libpam refuses every login */
    c->jwt = model_find(&c->auth, MODEL_JWT);
    c->passwords = model_find(&c->auth, MODEL_PASSWORD) != NULL;
    if (c->jwt) {
        c->services++;
        check_auth(c);
        check_account(c);
        check_session(c, &session);
    }
    check_options(c, &c->auth); /* changes the texts of the lines */
    check_options(c, &c->account);
    check_options(c, &session);
}

/* common-auth and the like are included; editors and dpkg leave names with a dot or '~'.
 * pam_jwt refuses every token of service jwtd, whose stack has it only by an include. */
static int is_service(const struct dirent *entry)
{
    return !strpbrk(entry->d_name, ".~#") && strncmp(entry->d_name, "common-", 7) != 0 &&
           strcmp(entry->d_name, "jwtd") != 0;
}

/* Of a service that is in both directories, the file in /etc counts. */
static void check_services(const char *dir, struct stack_check *c)
{
    CLEANUP(cleanup_free) struct dirent **entries = NULL;
    int n = scandir(dir, &entries, is_service, alphasort);

    for (int i = 0; i < n; i++) {
        CLEANUP(cleanup_free) struct dirent *entry = entries[i];
        struct doctor_text path;

        c->service = entry->d_name;
        if (strcmp(dir, "/etc/pam.d") == 0 ||
            access(doctor_text(&path, "/etc/pam.d/%s", c->service), F_OK) != 0)
            check_service(c);
        model_clear(&c->auth);
        model_clear(&c->account);
    }
}

bool doctor_service_uses_module(const char *service)
{
    CLEANUP(model_clear) struct model m = {0};

    return model_read(service, "auth", &m) && model_find(&m, MODEL_JWT);
}

/* The module of the code is the last one. */
void doctor_check_second_factor(struct doctor *d)
{
    CLEANUP(model_clear) struct model m = {0};
    const struct pam_line *wrong, *right;
    struct doctor_text where;

    if (!d->settings.session.otp_prompt || !model_read("jwtd", "auth", &m)) {
        doctor_skip(d, "OtpPrompt= is not set");
        return;
    }
    wrong = model_try(&m, MODEL_TYPED, MODEL_FAILURE).password;
    right = model_try(&m, MODEL_TYPED, MODEL_SUCCESS).password;
    if (right && right == wrong && right != model_find(&m, MODEL_PASSWORD))
        doctor_report(d, DOCTOR_WARNING,
                      (struct advice){doctor_text(&where, "%s:%u", right->file, right->line),
                                      "man 8 jwtd-login"},
                      "service jwtd: the code is asked for whether the password is right or "
                      "not, which shows that the account exists: pam_unix must be requisite");
    doctor_ok(d, "service jwtd asks for a code after a right password only");
}

void doctor_check_stacks(struct doctor *d)
{
    UNINITIALIZED struct stack_check c;

    memset(&c, 0, sizeof(c));
    c.d = d;
    check_services("/etc/pam.d", &c);
    check_services("/usr/lib/pam.d", &c);
    if (c.services == 0)
        doctor_report(d, DOCTOR_WARNING,
                      (struct advice){"/etc/pam.d", "pam-auth-update --enable jwt"},
                      "no service accepts tokens: no stack contains pam_jwt");
    doctor_ok(d, "services that accept tokens: %u", c.services);
}
