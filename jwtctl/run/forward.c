#include "jwtctl/run/forward.h"

#include "common/base/cleanup.h"
#include "common/base/text.h"
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

#define PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)
#define ANSWER_S 10 /* until the far side names its socket, after the login */

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

/* ^C is for ssh, and run removes its files then. */
static const int ignored[] = {SIGINT, SIGQUIT, SIGPIPE};
#define N_IGNORED (sizeof(ignored) / sizeof(ignored[0]))

struct forward {
    char dir[32]; /* of this run; "" before it is made */
    int parent;   /* the agent exits when it is closed */
    pid_t agent;
    pid_t connection;     /* the ssh that shares its connection; 0: it has exited */
    int to, from, errors; /* its standard files; the first two are the far command's */
    sighandler_t before[N_IGNORED];
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

/* Without a file of run: what it prints would mix with the output of ssh, and a pipe that it
 * holds would not end. */
static void run_agent(struct forward *f, struct agent a)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
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

    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/jwt-run.XXXXXX");
    if (!mkdtemp(f->dir))
        f->dir[0] = '\0';
    if (listener < 0 || !f->dir[0] || pipe2(ends, O_CLOEXEC) != 0)
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

/* Starts a process that ends with run; returns 0 in it. A descriptor of -1 stays as it is. */
static pid_t start_child(const struct forward *f, int in, int out, int errors)
{
    const pid_t parent = getpid();
    pid_t child = fork();

    if (child != 0)
        return child;
    for (size_t i = 0; i < N_IGNORED; i++)
        (void)signal(ignored[i], f->before[i]);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
        (in < 0 || dup2(in, STDIN_FILENO) >= 0) && (out < 0 || dup2(out, STDOUT_FILENO) >= 0) &&
        (errors < 0 || dup2(errors, STDERR_FILENO) >= 0))
        return 0;
    _exit(EXIT_FAILURE);
}

/* ssh, or its wrapper, in this child. */
static void exec_ssh(int argc, char **argv, const char *const *options)
{
    (void)execvp("ssh", arguments_insert(argc, argv, options));
    print_error("ssh: %s", strerror(errno));
    _exit(errno == ENOENT ? 127 : 126);
}

static void control_option(const struct forward *f, char ret[PATH_SIZE])
{
    (void)snprintf(ret, PATH_SIZE, "-oControlPath=%s/control", f->dir);
}

/* In the child. The options of a session would end it, or change what the far command reads. */
static void exec_connection(const struct forward *f, int argc, char **argv)
{
    char control[PATH_SIZE];
    const char *const options[] = {"-oControlMaster=yes",          control,
                                   "-oControlPersist=no",          "-oRemoteCommand=none",
                                   "-oSessionType=default",        "-oStdinNull=no",
                                   "-oForkAfterAuthentication=no", "-oRequestTTY=no",
                                   "-oClearAllForwardings=yes",    NULL};
    int command = ssh_arguments_command(argc, argv, true);

    control_option(f, control);
    argv[command] = strdup(far_command);
    if (!argv[command])
        out_of_memory();
    exec_ssh(command + 1, argv, options);
}

/* The descriptors are close-on-exec, so that the connection alone has the other ends. */
static bool start_connection(struct forward *f, int argc, char **argv)
{
    int to[2], from[2], errors[2];

    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0 ||
        pipe2(errors, O_CLOEXEC) != 0)
        return false;
    f->to = to[1];
    f->from = from[0];
    f->errors = errors[0];
    f->connection = start_child(f, to[0], from[1], errors[1]);
    if (f->connection == 0)
        exec_connection(f, argc, argv);
    (void)close(to[0]);
    (void)close(from[1]);
    (void)close(errors[1]);
    return f->connection > 0;
}

/* Copies what ssh prints. */
static void copy_errors(const struct forward *f)
{
    char text[512];
    ssize_t n = read(f->errors, text, sizeof(text));

    if (n > 0)
        (void)!write(STDERR_FILENO, text, (size_t)n);
}

/* Waits for the login. False: ssh has exited, with this status. From then on its errors are
 * not shown: who can open the far socket could write them at any time. */
static bool wait_for_connection(struct forward *f, int *ret_status)
{
    struct pollfd errors = {.fd = f->errors, .events = POLLIN};
    char control[PATH_SIZE];
    bool exited = false, connected = false;

    in_dir(f, "control", control);
    while (!connected && !exited) {
        connected = access(control, F_OK) == 0;
        exited = waitpid(f->connection, ret_status, WNOHANG) != 0;
        while (poll(&errors, 1, connected || exited ? 0 : 20) > 0 && (errors.revents & POLLIN))
            copy_errors(f);
    }
    if (exited)
        f->connection = 0;
    cleanup_close(&f->errors);
    f->errors = -1;
    return !exited;
}

/* The far command ends with the connection. */
static void end_connection(struct forward *f)
{
    if (f->connection > 0 && kill(f->connection, SIGTERM) == 0)
        (void)waitpid(f->connection, NULL, 0);
    f->connection = 0;
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
    CLEANUP(cleanup_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    char control[PATH_SIZE], sockets[2 * PATH_SIZE], name[] = "ssh", host[] = "host";
    int status;
    pid_t child = start_child(f, null, null, null);

    if (child == 0) {
        control_option(f, control);
        (void)snprintf(sockets, sizeof(sockets), "%s:%s/agent", far, f->dir);
        exec_ssh(2, (char *[]){name, host},
                 (const char *[]){control, "-O", "forward", "-R", sockets, NULL});
    }
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
    char control[PATH_SIZE];
    const char *const options[] = {"-oControlMaster=no", control, NULL};
    int status;
    pid_t child = start_child(f, -1, -1, -1);

    control_option(f, control);
    if (child == 0)
        exec_ssh(argc, argv, f->connection > 0 ? options : options + 2);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return EXIT_FAILURE;
    return exit_status(status);
}

static void forward_end(struct forward *f)
{
    end_connection(f);
    cleanup_close(&f->parent);
    cleanup_close(&f->to);
    cleanup_close(&f->from);
    cleanup_close(&f->errors);
    if (f->dir[0])
        remove_dir(f);
    if (f->agent > 0 && kill(f->agent, SIGKILL) == 0)
        (void)waitpid(f->agent, NULL, 0);
}

int forward_run(int argc, char **argv, const char *confirm)
{
    CLEANUP(forward_end) struct forward f = {.parent = -1, .to = -1, .from = -1, .errors = -1};
    int status;
    struct errmsg errmsg;

    (void)ssh_arguments_command(argc, argv, false);
    for (size_t i = 0; i < N_IGNORED; i++)
        f.before[i] = signal(ignored[i], SIG_IGN);
    if (!start_agent(&f, confirm) || !start_connection(&f, argc, argv)) {
        print_error("cannot start the agent and ssh: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    if (!wait_for_connection(&f, &status))
        return exit_status(status);
    if (forward_agent(&f, &errmsg) != TOK_OK) {
        print_error("warning: sudo -A on the host will get no token: %s", errmsg.text);
        end_connection(&f);
    }
    return run_session(&f, argc, argv);
}
