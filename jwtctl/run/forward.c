#include "jwtctl/run/forward.h"

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"
#include "jwtctl/run/agent.h"
#include "jwtctl/run/choose.h"
#include "jwtctl/run/ssh_arguments.h"
#include "jwtctl/run/token.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define DIR_MAX 64 /* ssh adds 17 characters to the control socket's path */
#define PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define ANSWER_S 10 /* until the far side names its socket, after the login */
#define END_S 3     /* until the far side has removed it */

/*
 * What the shared connection runs on the far host, for any login shell. It removes sockets of
 * processes that have exited, prints the path for a new one, and when a line says that ssh
 * listens there makes `agent` a link to it. It stays until the connection ends; then `agent` is
 * the newest one that is left. Without XDG_RUNTIME_DIR the socket is in a temporary directory,
 * because a home directory may be on a file system that has no sockets.
 */
static const char far_command[] =
    "exec sh -c '"
    "umask 77; t=; "
    "if [ -n \"$XDG_RUNTIME_DIR\" ] && [ -O \"$XDG_RUNTIME_DIR\" ]; "
    "then b=$XDG_RUNTIME_DIR/jwt; "
    "else b=${XDG_STATE_HOME:-$HOME/.local/state}/jwt/run; t=$(mktemp -d) || exit; fi; "
    "mkdir -p \"$b\" && cd \"$b\" || exit; s=$b/agent.$$; "
    "newest() { n=$(ls -t | grep -m 1 \"^agent\\.\"); "
    "if [ -n \"$n\" ]; then ln -sfn \"$n\" agent; else rm -f agent; fi; }; "
    "end() { rm -f agent.$$; [ -z \"$t\" ] || rm -rf \"$t\"; newest; }; "
    "trap end EXIT; trap exit HUP INT TERM; "
    "for f in agent.*; do kill -0 \"${f#agent.}\" 2>/dev/null || rm -f \"$f\"; done; "
    "if [ -n \"$t\" ]; then s=$t/agent; ln -s \"$s\" agent.$$; fi; "
    "echo \"$s\"; read -r x && newest && cat >/dev/null'";

struct forward {
    char dir[DIR_MAX]; /* of this run; "" before it is made */
    int parent;        /* the agent exits when it is closed */
    pid_t agent;
    pid_t connection; /* the ssh that shares its connection; 0: it has exited */
    int status;       /* of the connection, when it has exited */
    int to, from;     /* standard input and output of the far command */
    sighandler_t interrupt, quit;
};

static void in_dir(const struct forward *f, const char *name, char ret[PATH_SIZE])
{
    (void)snprintf(ret, PATH_SIZE, "%s/%s", f->dir, name);
}

static void remove_dir(const struct forward *f)
{
    char path[PATH_SIZE];

    in_dir(f, "agent", path);
    (void)unlink(path);
    in_dir(f, "control", path);
    (void)unlink(path);
    (void)rmdir(f->dir);
}

/* ssh expands % and ${...} in the paths of sockets. */
static bool is_plain_path(const char *path)
{
    if (path[0] != '/' || path[1] == '\0')
        return false;
    for (; *path; path++) {
        if (!text_is_alnum(*path) && !strchr("._/-", *path))
            return false;
    }
    return true;
}

static bool make_dir(struct forward *f)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    int n = DIR_MAX;

    if (runtime && is_plain_path(runtime))
        n = snprintf(f->dir, DIR_MAX, "%s/jwt-run.XXXXXX", runtime);
    if (n < DIR_MAX && mkdtemp(f->dir))
        return true;
    (void)snprintf(f->dir, DIR_MAX, "/tmp/jwt-run.XXXXXX");
    return mkdtemp(f->dir) != NULL;
}

/* Without a file of run: what it prints would mix with the output of ssh, and a pipe that it
 * holds would not end. */
static void run_agent(struct forward *f, struct agent a)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE};

    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
        (void)signal(ending[i], SIG_IGN);
    (void)close(f->parent);
    if (dup2(null, STDIN_FILENO) >= 0 && dup2(null, STDOUT_FILENO) >= 0 &&
        dup2(null, STDERR_FILENO) >= 0)
        agent_serve(&a);
    remove_dir(f);
    _exit(EXIT_SUCCESS);
}

/* The agent is there before anything else, so that it removes the directory in every case. */
static bool start_agent(struct forward *f, const char *confirm)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP(cleanup_close) int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ends[2];

    if (listener < 0 || !make_dir(f) || pipe2(ends, O_CLOEXEC) != 0)
        return false;
    in_dir(f, "agent", address.sun_path);
    f->parent = ends[1];
    f->agent = bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                       listen(listener, 16) == 0
                   ? fork()
                   : -1;
    if (f->agent == 0)
        run_agent(f, (struct agent){listener, ends[0], confirm});
    (void)close(ends[0]);
    return f->agent > 0;
}

/* Starts ssh, or its wrapper. A descriptor of -1 stays as it is. It ends with run. */
static pid_t start_ssh(const struct forward *f, char **argv, int in, int out, int err)
{
    const pid_t parent = getpid();
    pid_t child = fork();

    if (child != 0)
        return child;
    (void)signal(SIGINT, f->interrupt);
    (void)signal(SIGQUIT, f->quit);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
        (in < 0 || dup2(in, STDIN_FILENO) >= 0) && (out < 0 || dup2(out, STDOUT_FILENO) >= 0) &&
        (err < 0 || dup2(err, STDERR_FILENO) >= 0))
        (void)execvp(argv[0], argv);
    print_error("%s: %s", argv[0], strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static void add_control_path(struct word_vector *w, const struct forward *f)
{
    char option[PATH_SIZE + 32];

    (void)snprintf(option, sizeof(option), "-oControlPath=%s/control", f->dir);
    words_add(w, option);
}

/* The options of a session would end it, or change what the far command reads. */
static const char *const connection_options[] = {
    "-oControlMaster=yes",   "-oControlPersist=no",      "-oRemoteCommand=none",
    "-oSessionType=default", "-oStdinNull=no",           "-oForkAfterAuthentication=no",
    "-oRequestTTY=no",       "-oClearAllForwardings=yes"};

/* The descriptors are close-on-exec, so that the connection alone has the other ends. */
static bool start_connection(struct forward *f, const struct word_vector *options)
{
    CLEANUP(words_clear) struct word_vector w = {0};
    CLEANUP(cleanup_close) int in = -1, out = -1;
    int to[2], from[2];

    if (pipe2(to, O_CLOEXEC) != 0)
        return false;
    in = to[0];
    f->to = to[1];
    if (pipe2(from, O_CLOEXEC) != 0)
        return false;
    f->from = from[0];
    out = from[1];
    words_add(&w, "ssh");
    for (size_t i = 0; i < sizeof(connection_options) / sizeof(connection_options[0]); i++)
        words_add(&w, connection_options[i]);
    add_control_path(&w, f);
    for (size_t i = 0; i < options->n; i++)
        words_add(&w, options->v[i]);
    words_add(&w, far_command);
    f->connection = start_ssh(f, w.v, in, out, -1);
    return f->connection > 0;
}

/* Waits until the connection's ssh has exited or, with a path, this file is there. False: it
 * has exited, or the time is over. seconds 0: no limit. */
static bool wait_for_connection(struct forward *f, const char *path, int seconds)
{
    const time_t end = time(NULL) + seconds;

    while (f->connection > 0 && (seconds == 0 || time(NULL) <= end)) {
        if (path && access(path, F_OK) == 0)
            return true;
        if (waitpid(f->connection, &f->status, WNOHANG) != 0)
            f->connection = 0;
        else
            (void)poll(NULL, 0, 20);
    }
    return false;
}

static void end_connection(struct forward *f)
{
    cleanup_close(&f->to);
    cleanup_close(&f->from);
    f->to = f->from = -1;
    (void)wait_for_connection(f, NULL, END_S);
    if (f->connection <= 0)
        return;
    (void)kill(f->connection, SIGTERM);
    (void)wait_for_connection(f, NULL, 0);
}

/* The first line of the far command, which may be anything; what follows is not read. */
static bool read_path(const struct forward *f, char ret[PATH_SIZE])
{
    struct pollfd answer = {.fd = f->from, .events = POLLIN};
    const time_t end = time(NULL) + ANSWER_S;
    size_t n = 0;

    while (n < PATH_SIZE && time(NULL) <= end && poll(&answer, 1, 1000) >= 0) {
        if (answer.revents == 0)
            continue;
        if (read(f->from, ret + n, 1) != 1)
            return false;
        if (ret[n] == '\n') {
            ret[n] = '\0';
            return is_plain_path(ret);
        }
        n++;
    }
    return false;
}

/* The agent needs the record of the connection, whose host key ssh has verified. */
static enum tok_err inform_agent(const struct forward *f, struct errmsg *errmsg)
{
    CLEANUP(session_clear) struct client_session s = {0};
    CLEANUP(record_close) struct record ssh = {.dir = -1, .fd = -1};
    struct process process;
    pid_t parent;
    enum tok_err err;

    if (!process_read(f->connection, &process, &parent))
        return errmsg_set(errmsg, TOK_FILE, "ssh has exited");
    err = record_open(&process, false, &ssh, errmsg);
    if (!err)
        err = choose_for_ssh(&ssh, &s, errmsg);
    if (!err)
        err = token_check_far_sudo(&s, &ssh, errmsg);
    if (!err && write(f->parent, &process, sizeof(process)) != (ssize_t)sizeof(process))
        err = errmsg_set(errmsg, TOK_FILE, "the agent has exited");
    return err;
}

/* Asks the connection's ssh, which asks the server, to listen at this path there. */
static bool forward_socket(const struct forward *f, const char *far)
{
    CLEANUP(words_clear) struct word_vector w = {0};
    CLEANUP(cleanup_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char near[PATH_SIZE], pair[2 * PATH_SIZE];
    int status;
    pid_t child;

    in_dir(f, "agent", near);
    (void)snprintf(pair, sizeof(pair), "%s:%s", far, near);
    words_add(&w, "ssh");
    add_control_path(&w, f);
    for (const char *const *word =
             (const char *const[]){"-O", "forward", "-R", pair, "host", NULL};
         *word; word++)
        words_add(&w, *word);
    child = start_ssh(f, w.v, null, null, null);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static enum tok_err forward_agent(const struct forward *f, struct errmsg *errmsg)
{
    char far[PATH_SIZE];
    enum tok_err err = inform_agent(f, errmsg);

    if (err)
        return err;
    if (!read_path(f, far))
        return errmsg_set(errmsg, TOK_FILE,
                          "the host named no path for a socket; a command that its login shell "
                          "runs must print nothing");
    if (!forward_socket(f, far))
        return errmsg_set(errmsg, TOK_FILE,
                          "the server does not forward a socket (AllowStreamLocalForwarding or "
                          "DisableForwarding in sshd_config(5))");
    if (write(f->to, "\n", 1) != 1)
        return errmsg_set(errmsg, TOK_FILE, "the connection has ended");
    return TOK_OK;
}

static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The login of the user. Where the server allows one session for each connection, ssh opens
 * another connection. */
static int run_session(const struct forward *f, int argc, char **argv)
{
    CLEANUP(words_clear) struct word_vector w = {0};
    int status;
    pid_t child;

    words_add(&w, argv[0]);
    if (f->connection > 0) {
        words_add(&w, "-oControlMaster=no");
        add_control_path(&w, f);
    }
    for (int i = 1; i < argc; i++)
        words_add(&w, argv[i]);
    child = start_ssh(f, w.v, -1, -1, -1);
    while (child > 0 && waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return EXIT_FAILURE;
    }
    return child > 0 ? exit_status(status) : EXIT_FAILURE;
}

static void forward_end(struct forward *f)
{
    end_connection(f);
    cleanup_close(&f->parent);
    if (f->dir[0])
        remove_dir(f);
    if (f->agent > 0 && kill(f->agent, SIGKILL) == 0)
        (void)waitpid(f->agent, NULL, 0);
}

int forward_run(int argc, char **argv, const char *confirm)
{
    CLEANUP(words_clear) struct word_vector options = {0};
    CLEANUP(forward_end) struct forward f = {.parent = -1, .to = -1, .from = -1};
    char control[PATH_SIZE];
    struct errmsg errmsg;

    ssh_arguments_connection(argc, argv, &options);
    /* ^C is for ssh; what is to be removed is removed then. */
    f.interrupt = signal(SIGINT, SIG_IGN);
    f.quit = signal(SIGQUIT, SIG_IGN);
    if (!start_agent(&f, confirm) || !start_connection(&f, &options)) {
        print_error("cannot start the agent and ssh: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    in_dir(&f, "control", control);
    if (!wait_for_connection(&f, control, 0))
        return exit_status(f.status);
    if (forward_agent(&f, &errmsg) != TOK_OK) {
        print_error("warning: sudo -A on the host will get no token: %s", errmsg.text);
        end_connection(&f);
    }
    return run_session(&f, argc, argv);
}
