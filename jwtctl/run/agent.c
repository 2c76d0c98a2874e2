#include "jwtctl/run/agent.h"

#include "common/base/cleanup.h"
#include "common/jose/jws.h"
#include "jwtctl/run/choose.h"
#include "jwtctl/run/token.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* Protocol: the client sends REQUEST. The agent sends the token and a newline, or REFUSED, a
 * reason and a newline, and closes. */
#define REQUEST "sudo 1\n"
#define REFUSED "no: "
#define REPLY_MAX 1100 /* bytes */
#define REQUEST_S 1    /* for the whole request */
#define REPLY_S 120    /* for the reply, which waits for the user and for the server */
#define PAUSE_MS 100   /* between two clients */
#define CONFIRM_S 60
#define SOCKET_NAME "agent"

static bool is_ours(int fd)
{
    struct ucred peer;
    socklen_t n = sizeof(peer);

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && peer.uid == geteuid();
}

static void set_timeout(int fd, int option, int seconds)
{
    struct timeval time = {.tv_sec = seconds};

    (void)setsockopt(fd, SOL_SOCKET, option, &time, sizeof(time));
}

/* As ssh-agent does. ssh uses the terminal, so the program has none. The signals that run and
 * the agent ignore end it, which is no confirmation. */
static void exec_confirm(const char *program, const char *question, int output)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM};

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)signal(ignored[i], SIG_DFL);
    (void)alarm(CONFIRM_S);
    if (setsid() > 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
        dup2(output, STDOUT_FILENO) >= 0 && setenv("SSH_ASKPASS_PROMPT", "confirm", 1) == 0)
        (void)execlp(program, program, question, (char *)NULL);
    _exit(EXIT_FAILURE);
}

/* Yes: exit status 0, and no output or "yes". */
static bool confirm_sudo(const char *program, const struct record *ssh)
{
    CLEANUP(cleanup_free) char *question = NULL;
    char answer[8] = "";
    size_t n = 0;
    ssize_t got;
    int ends[2], status;
    pid_t child;

    if (asprintf(&question, "Allow sudo as %s on %s?", ssh->user, ssh->name) < 0 ||
        pipe2(ends, O_CLOEXEC) != 0)
        return false;
    child = fork();
    if (child == 0)
        exec_confirm(program, question, ends[1]);
    (void)close(ends[1]);
    while ((got = read(ends[0], answer + n, sizeof(answer) - 1 - n)) > 0)
        n += (size_t)got;
    (void)close(ends[0]);
    answer[strcspn(answer, "\n")] = '\0';
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 &&
           (answer[0] == '\0' || strcasecmp(answer, "yes") == 0);
}

/* The far host learns no more than the kind of the reason. */
static const char *make_token(const struct agent *a, const struct record *ssh,
                              struct secret *ret)
{
    CLEANUP(session_clear) struct client_session s = {0};
    struct errmsg ignored;

    if (a->confirm && !confirm_sudo(a->confirm, ssh))
        return "the user did not confirm it";
    if (choose_for_ssh(ssh, &s, &ignored) != TOK_OK)
        return "the login has ended, or its server cannot be reached";
    if (token_for_far_sudo(&s, ssh, ret, &ignored) != TOK_OK)
        return "the server made no token for this host";
    return NULL;
}

static void serve_client(const struct agent *a, const struct record *ssh, int fd)
{
    CLEANUP(secret_clear) struct secret token = {0};
    char request[sizeof(REQUEST) - 1];
    const char *reason;

    set_timeout(fd, SO_RCVTIMEO, REQUEST_S);
    set_timeout(fd, SO_SNDTIMEO, REQUEST_S);
    if (!is_ours(fd) ||
        recv(fd, request, sizeof(request), MSG_WAITALL) != (ssize_t)sizeof(request) ||
        memcmp(request, REQUEST, sizeof(request)) != 0)
        return;
    reason = make_token(a, ssh, &token);
    if (reason)
        (void)dprintf(fd, REFUSED "%s\n", reason);
    else if (send(fd, token.p, token.n, MSG_NOSIGNAL) == (ssize_t)token.n)
        (void)send(fd, "\n", 1, MSG_NOSIGNAL);
}

/* The lock of the record is needed by the askpass of ssh. */
static bool read_record(int parent, struct record *ret)
{
    struct process ssh;
    struct errmsg ignored;

    if (read(parent, &ssh, sizeof(ssh)) != (ssize_t)sizeof(ssh) ||
        record_open(&ssh, false, ret, &ignored) != TOK_OK)
        return false;
    record_unlock(ret);
    return true;
}

void agent_serve(const struct agent *a)
{
    CLEANUP(record_close) struct record ssh = {.dir = -1, .fd = -1};
    struct pollfd fds[] = {{.fd = a->parent, .events = POLLIN},
                           {.fd = a->listener, .events = POLLIN}};

    if (!read_record(a->parent, &ssh))
        return;
    while (poll(fds, 2, -1) >= 0 && fds[0].revents == 0) {
        CLEANUP(cleanup_close) int fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0)
            serve_client(a, &ssh, fd);
        (void)poll(fds, 1, PAUSE_MS);
    }
}

/* -1: there is no agent. The directory is this user's, but the socket may be a link. */
static int connect_agent(void)
{
    CLEANUP(cleanup_close) int dir = -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct errmsg ignored;
    int fd;

    if (record_dir_open(false, &dir, &ignored) != TOK_OK)
        return -1;
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME,
                   dir);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        is_ours(fd))
        return fd;
    cleanup_close(&fd);
    return -1;
}

static enum tok_err read_reply(int fd, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret reply = {0};
    struct jws parts;
    ssize_t n;

    if (secret_alloc(REPLY_MAX, &reply) != TOK_OK)
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    n = recv(fd, reply.p, reply.n, MSG_WAITALL);
    if (n <= 0 || reply.p[n - 1] != '\n')
        return errmsg_set(errmsg, TOK_FILE, "jwtctl run --forward does not answer");
    reply.p[n - 1] = '\0';
    if (strncmp(reply.p, REFUSED, strlen(REFUSED)) == 0)
        return errmsg_set(errmsg, TOK_FILE, "jwtctl run --forward: %s",
                          reply.p + strlen(REFUSED));
    if (strlen(reply.p) != (size_t)n - 1 || jws_split(slice_of(reply.p), &parts) != TOK_OK)
        return errmsg_set(errmsg, TOK_FILE, "jwtctl run --forward: expected a token");
    return secret_copy(slice_of(reply.p), ret);
}

enum tok_err agent_ask(struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = connect_agent();

    if (fd < 0)
        return TOK_MISSING;
    set_timeout(fd, SO_RCVTIMEO, REPLY_S);
    if (send(fd, REQUEST, strlen(REQUEST), MSG_NOSIGNAL) != (ssize_t)strlen(REQUEST))
        return errmsg_set(errmsg, TOK_FILE, "jwtctl run --forward does not answer");
    return read_reply(fd, ret, errmsg);
}
