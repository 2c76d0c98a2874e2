/* jwtctl askpass PROMPT, and libexec/jwt/askpass PROMPT: the password program of ssh and sudo.
 * Which token it prints depends on the process that asks; without a token it asks on the
 * terminal. Exit status 1 means no answer. */
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/run/agent.h"
#include "jwtctl/run/askpass.h"
#include "jwtctl/run/choose.h"
#include "jwtctl/run/programs.h"
#include "jwtctl/run/prompt.h"
#include "jwtctl/run/token.h"
#include "jwtctl/terminal.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define SECOND                                                                                 \
    "the process that asks has already received a token; if the host refused it, jwtctl(1) "   \
    "lists the causes under this reason"

struct question {
    const char *prompt;
    enum prompt_kind kind;
    struct asker asker; /* pidfd -1: unknown */
    bool is_sudo;
    struct record record; /* of the asker; fd -1: missing, or errmsg has the reason */
    struct errmsg errmsg;
};

static void question_clear(struct question *q)
{
    record_close(&q->record);
    asker_close(&q->asker);
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);

    return value && value[0];
}

/* Where /proc hides the process, or the user says so, only the prompt shows that it is sudo. */
static bool is_sudo(const struct question *q)
{
    const char *service = getenv(ASKPASS_SERVICE);

    if (asker_is_sudo(&q->asker))
        return true;
    return q->kind == PROMPT_SUDO && getuid() != 0 && asker_has_all_uids() &&
           (q->asker.hidden || (service && strcmp(service, "sudo") == 0));
}

/* sudo has no record before its first question. */
static void read_question(const char *prompt, struct question *ret)
{
    *ret = (struct question){.prompt = prompt,
                             .kind = prompt_read(prompt),
                             .asker = {.pidfd = -1},
                             .record = {.dir = -1, .fd = -1}};
    /* ssh sets it ("confirm", "none") for prompts that want no password. */
    if (is_set("SSH_ASKPASS_PROMPT") && ret->kind != PROMPT_CONFIRM)
        ret->kind = PROMPT_OTHER;
    if (!asker_open(&ret->asker)) {
        (void)errmsg_set(&ret->errmsg, TOK_FILE, "the process that asks cannot be read");
        return;
    }
    ret->is_sudo = is_sudo(ret);
    if (record_open(&ret->asker.process, ret->is_sudo || is_set(ASKPASS_WHOLE), &ret->record,
                    &ret->errmsg) != TOK_OK &&
        errno == ENOENT)
        ret->errmsg = (struct errmsg){""};
}

/* True when ssh started the process that asks, or one of its ancestors: such a program is not
 * the user's own command. */
static bool is_below_ssh(const struct asker *a)
{
    struct process process = a->process;
    pid_t pid = process.pid;

    while (pid > 1 && process_read(pid, &process, &pid)) {
        if (record_is_ssh(&process))
            return true;
    }
    return false;
}

static enum tok_err no_token(struct errmsg *errmsg, const char *reason)
{
    return errmsg_set(errmsg, TOK_SCOPE, "%s", reason);
}

static enum tok_err check_ssh(const struct question *q, struct errmsg *errmsg)
{
    return q->kind == PROMPT_SSH ? TOK_OK
                                 : no_token(errmsg, "the prompt is not ssh's for a password");
}

static enum tok_err check_sudo(const struct question *q, struct errmsg *errmsg)
{
    if (q->kind == PROMPT_OTHER && !prompt_may_be_password(q->prompt))
        return no_token(errmsg, "the prompt is for a code or a passphrase");
    if (is_below_ssh(&q->asker))
        return no_token(errmsg, "sudo was started by ssh");
    return TOK_OK;
}

/* A login on this host is used first. Without an agent its error is the reason. */
static enum tok_err get_sudo_token(struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg agent;
    enum tok_err err = choose_for_sudo(&s, errmsg);

    if (!err)
        err = token_for_sudo(&s, ret, errmsg);
    if (!err)
        return TOK_OK;
    err = agent_ask(ret, &agent);
    if (err && err != TOK_MISSING)
        *errmsg = agent;
    return err;
}

static enum tok_err get_token(const struct question *q, struct secret *ret,
                              struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {0};
    const bool whole = is_set(ASKPASS_WHOLE), ssh = q->record.is_ssh;
    enum tok_err err = TOK_OK;

    if (whole && q->kind == PROMPT_OTHER && !(q->is_sudo && prompt_may_be_password(q->prompt)))
        return no_token(errmsg, "the prompt is not one for a password");
    if (q->record.fd < 0 && q->errmsg.text[0])
        return no_token(errmsg, q->errmsg.text);
    if (!whole && !ssh && !q->is_sudo)
        return no_token(errmsg, "the process that asks is neither sudo nor an ssh that jwtctl "
                                "run has started");
    if (!whole)
        err = ssh ? check_ssh(q, errmsg) : check_sudo(q, errmsg);
    if (!err && q->record.used)
        err = no_token(errmsg,
                       whole ? "the process that asks has already received a token" : SECOND);
    if (err)
        return err;
    if (!whole && !ssh)
        return get_sudo_token(ret, errmsg);
    err = whole ? session_get(NULL, &s, errmsg) : choose_for_ssh(&q->record, &s, errmsg);
    if (err)
        return err;
    if (!whole)
        return token_for_ssh(&s, &q->record, ret, errmsg);
    *ret = s.access;
    s.access = (struct secret){0};
    return TOK_OK;
}

/* The record is written first: a token that was printed must never be followed by another. */
static enum tok_err take_token(struct question *q, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret token = {0};
    enum tok_err err = get_token(q, &token, errmsg);

    if (!err)
        err = record_append(&q->record, RECORD_USED, errmsg);
    if (!err && !asker_is_alive(&q->asker))
        err = no_token(errmsg, "the process that asks has exited");
    if (err)
        return err;
    *ret = token;
    token = (struct secret){0};
    return TOK_OK;
}

/* Without an answer ssh sends empty passwords, which servers count as failed logins. */
static void end_ssh(const struct question *q)
{
    if (!q->record.is_ssh || q->kind != PROMPT_SSH)
        return;
    print_error("ending ssh, which would send an empty password");
    (void)syscall(SYS_pidfd_send_signal, q->asker.pidfd, SIGTERM, NULL, 0);
}

/* Asks on the terminal, with the reason in the line above. */
static enum tok_err ask_user(const struct question *q, const struct errmsg *reason,
                             struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *text = NULL;
    bool confirm = q->kind == PROMPT_CONFIRM;

    if (asprintf(&text, "%s%s%s%s", confirm ? "" : "jwtctl: no token: ",
                 confirm ? "" : reason->text, confirm ? "" : "\n", q->prompt) < 0)
        out_of_memory();
    if (terminal_ask(text, confirm, ret, errmsg) == TOK_OK)
        return TOK_OK;
    if (!confirm)
        print_error("no token: %s", reason->text);
    end_ssh(q);
    return TOK_FILE;
}

static int answer(const char *prompt)
{
    CLEANUP(question_clear) struct question q = {0};
    CLEANUP(secret_clear) struct secret text = {0};
    struct errmsg reason, errmsg;
    enum tok_err err = TOK_SCOPE;

    read_question(prompt, &q);
    if (q.kind != PROMPT_CONFIRM)
        err = take_token(&q, &text, &reason);
    if (err && ask_user(&q, &reason, &text, &errmsg) != TOK_OK)
        return print_failure(EXIT_FAILURE, &errmsg);
    (void)fwrite(text.p, 1, text.n, stdout);
    putchar('\n');
    return EXIT_SUCCESS;
}

int program_askpass(int argc, char **argv)
{
    if (argc != 2)
        bad_usage("jwtctl askpass", "expected one argument, the prompt");
    return answer(argv[1]);
}

int command_askpass(int argc, char **argv)
{
    const struct option_row options[] = {{0}};

    arguments_parse(argc, argv, options, ARGUMENTS_COMMAND);
    if (argc - optind != 1)
        bad_usage(argv[0], "expected one argument, the prompt");
    return answer(argv[optind]);
}
