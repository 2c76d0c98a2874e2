#include "jwtctl/doctor/pam_model.h"

#include "common/base/text.h"
#include "jwtctl/output.h"

#include <strings.h>

/* Modules that check no password. pam_faillock: kind_of(). */
static const struct {
    enum model_kind kind;
    const char *names;
} modules[] = {
    {MODEL_JWT, "pam_jwt.so"},
    {MODEL_HELPER,
     "pam_cap.so pam_ecryptfs.so pam_echo.so pam_env.so pam_faildelay.so pam_gnome_keyring.so "
     "pam_group.so pam_keyinit.so pam_kwallet5.so pam_limits.so pam_loginuid.so pam_mail.so "
     "pam_motd.so pam_nologin.so pam_permit.so pam_securetty.so pam_selinux.so pam_shells.so "
     "pam_tally2.so pam_umask.so pam_usertype.so pam_warn.so"},
    {MODEL_CONDITION,
     "pam_access.so pam_exec.so pam_listfile.so pam_localuser.so pam_succeed_if.so pam_time.so "
     "pam_wheel.so"},
    {MODEL_DENY, "pam_deny.so pam_rootok.so"},
};

/* The plain words, as pam.conf(5) explains them. */
static const char *const plain[][2] = {
    {"required", "success=ok new_authtok_reqd=ok ignore=ignore default=bad"},
    {"requisite", "success=ok new_authtok_reqd=ok ignore=ignore default=die"},
    {"sufficient", "success=done new_authtok_reqd=done default=ignore"},
    {"optional", "success=ok new_authtok_reqd=ok default=ignore"},
};

bool model_has_word(const char *words, struct slice word)
{
    struct slice rest = slice_of(words), one;

    while (text_next_word(&rest, ' ', &one))
        if (slice_eq(one, word))
            return true;
    return false;
}

static enum model_kind kind_of(const struct pam_line *line)
{
    const char *slash = strrchr(line->module, '/');
    struct slice name = slice_of(slash ? slash + 1 : line->module);

    if (name.n == 0)
        return MODEL_SUBSTACK;
    if (slice_is(name, "pam_faillock.so"))
        return model_has_word(line->arguments, SLICE("authfail")) ? MODEL_DENY : MODEL_HELPER;
    for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
        if (model_has_word(modules[i].names, name))
            return modules[i].kind;
    return MODEL_PASSWORD;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);

    if (!copy)
        out_of_memory();
    return copy;
}

static bool add_line(void *arg, const struct pam_line *line)
{
    struct model *m = arg;
    struct model_line *added;

    m->lines = reallocarray(m->lines, m->n + 1, sizeof(*m->lines));
    if (!m->lines)
        out_of_memory();
    added = &m->lines[m->n++];
    *added = (struct model_line){kind_of(line), *line};
    added->at.control = copy_text(line->control);
    added->at.module = copy_text(line->module);
    added->at.arguments = copy_text(line->arguments);
    added->at.file = copy_text(line->file);
    return true;
}

bool model_read(const char *service, const char *type, struct model *ret)
{
    *ret = (struct model){0};
    return pam_stack_each(&(struct pam_stack){.service = service, .type = type}, add_line, ret);
}

void model_clear(struct model *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct pam_line *at = &m->lines[i].at;

        free((char *)at->control);
        free((char *)at->module);
        free(at->arguments);
        free((char *)at->file);
    }
    free(m->lines);
    *m = (struct model){0};
}

const struct pam_line *model_find(const struct model *m, enum model_kind kind)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->lines[i].kind == kind)
            return &m->lines[i].at;
    return NULL;
}

/* The word that a control has for this result: "die", or a number. "bad", when it has none. */
static struct slice action_of(const char *control, enum model_result result)
{
    static const char *const names[] = {"success", "auth_err", "ignore", "module_unknown",
                                        "service_err"};
    struct slice rest, word, name, action, found = {NULL, 0}, standard = SLICE("bad");

    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (strcasecmp(control, plain[i][0]) == 0)
            control = plain[i][1];
    rest = slice_of(control);
    while (text_next_word(&rest, ' ', &word)) {
        if (!slice_cut(word, '=', &name, &action))
            continue;
        if (slice_is(name, names[result]))
            found = action;
        else if (slice_is(name, "default"))
            standard = action;
    }
    return found.p ? found : standard;
}

/* FAILED: "ok" for an error, which later lines cannot change to success. */
struct dispatch {
    const struct model *m;
    size_t next; /* the line to run */
    enum { UNDECIDED, POSITIVE, FAILED, NEGATIVE } now;
};

/* Skips n lines of this depth; a substack counts as one. False: there are fewer. */
static bool skip_lines(struct dispatch *d, unsigned substacks, uint64_t n)
{
    const struct model *m = d->m;

    for (; n > 0 && d->next < m->n && m->lines[d->next].at.substacks >= substacks; n--)
        do
            d->next++;
        while (d->next < m->n && m->lines[d->next].at.substacks > substacks);
    return n == 0;
}

static void apply(struct dispatch *d, const struct pam_line *line, enum model_result result)
{
    bool ignores = model_has_word(line->arguments, SLICE("ignore_non_token")), done, die;
    struct slice action;
    uint64_t jump = 0;

    if (result == MODEL_TYPED)
        result = ignores ? MODEL_IGNORED : MODEL_FAILURE;
    action = action_of(line->control, result);
    done = slice_is(action, "done");
    die = slice_is(action, "die");
    if (done || slice_is(action, "ok")) {
        if (d->now <= POSITIVE)
            d->now = result == MODEL_SUCCESS ? POSITIVE : FAILED;
        done = done && d->now != NEGATIVE;
    } else if (!slice_is(action, "ignore") &&
               (!slice_digits(action, &jump) || !skip_lines(d, line->substacks, jump))) {
        d->now = NEGATIVE;
    }
    if (done || die)
        (void)skip_lines(d, line->substacks, UINT64_MAX);
}

struct model_outcome model_try(const struct model *m, enum model_result jwt,
                               enum model_result password)
{
    const enum model_result results[] = {
        [MODEL_PASSWORD] = password,    [MODEL_JWT] = jwt,
        [MODEL_HELPER] = MODEL_SUCCESS, [MODEL_CONDITION] = MODEL_IGNORED,
        [MODEL_DENY] = MODEL_FAILURE,
    };
    struct dispatch d = {.m = m};
    struct model_outcome outcome = {0};

    while (d.next < m->n) {
        const struct model_line *line = &m->lines[d.next++];

        if (line->kind == MODEL_SUBSTACK)
            continue;
        outcome.passed_on =
            outcome.passed_on || (line->kind == MODEL_PASSWORD && outcome.reached);
        outcome.reached = outcome.reached || line->kind == MODEL_JWT;
        if (line->kind == MODEL_PASSWORD)
            outcome.password = &line->at;
        apply(&d, &line->at, results[line->kind]);
    }
    outcome.success = d.now == POSITIVE;
    return outcome;
}
