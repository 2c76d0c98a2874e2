#include "jwtctl/terminal.h"

#include "common/base/cleanup.h"
#include "jwtctl/safe_text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

/* False when one of the signals has arrived. signals: a signalfd, or -1. */
static bool wait_for_input(int fd, int signals)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    if (signals < 0)
        return true;
    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR)
            return false;
    }
    return fds[0].revents == 0;
}

/* TOK_MISSING: a signal has arrived. */
static enum tok_err read_line(int fd, int signals, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret line = {0};
    size_t n = 0;

    if (secret_alloc(TERMINAL_LINE_MAX + 1, &line) != TOK_OK)
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    for (;;) {
        ssize_t got;

        if (!wait_for_input(fd, signals))
            return TOK_MISSING;
        got = read(fd, line.p + n, 1);
        if (got < 0)
            return errmsg_set(errmsg, TOK_FILE, "cannot read: %s", strerror(errno));
        if (got == 0 && n == 0)
            return errmsg_set(errmsg, TOK_FILE, "expected a line, found the end of the file");
        if (got == 0 || line.p[n] == '\n')
            break;
        if (++n > TERMINAL_LINE_MAX)
            return errmsg_set(errmsg, TOK_FILE, "expected a line of at most %d bytes",
                              TERMINAL_LINE_MAX);
    }
    return secret_copy((struct slice){line.p, n}, ret);
}

enum tok_err terminal_read_line(int fd, struct secret *ret, struct errmsg *errmsg)
{
    return read_line(fd, -1, ret, errmsg);
}

/* The prompt may be a server's text. */
static enum tok_err write_prompt(int fd, struct slice prompt, struct errmsg *errmsg)
{
    struct safe_character c;

    while (safe_text_next(&prompt, &c)) {
        struct slice text = c.safe || c.code == '\n' ? c.bytes : SLICE("?");

        if (write(fd, text.p, text.n) != (ssize_t)text.n)
            return errmsg_set(errmsg, TOK_FILE, "/dev/tty: %s", strerror(errno));
    }
    return TOK_OK;
}

static enum tok_err terminal_error(struct errmsg *errmsg)
{
    return errmsg_set(errmsg, TOK_FILE, "/dev/tty: %s", strerror(errno));
}

/* The echo is off before the prompt appears: a program may type the answer at once. */
static enum tok_err read_without_echo(int fd, const char *prompt, int signals,
                                      struct secret *ret, struct errmsg *errmsg)
{
    struct termios before, silent;
    enum tok_err err;

    if (tcgetattr(fd, &before) != 0)
        return terminal_error(errmsg);
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    err = write_prompt(fd, slice_of(prompt), errmsg);
    if (!err)
        err = read_line(fd, signals, ret, errmsg);
    (void)tcsetattr(fd, TCSANOW, &before);
    (void)!write(fd, "\n", 1);
    return err;
}

/* The signals that end or stop a program are blocked while the echo is off, and take effect
 * when it is on again. After a stop the prompt appears again. The signalfd is only polled,
 * never read. */
static enum tok_err ask_without_echo(int fd, const char *prompt, struct secret *ret,
                                     struct errmsg *errmsg)
{
    static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    CLEANUP(cleanup_close) int signals = -1;
    sigset_t set, before;
    enum tok_err err;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
        (void)sigaddset(&set, ending[i]);
    signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return terminal_error(errmsg);
    do {
        (void)sigprocmask(SIG_BLOCK, &set, &before);
        err = read_without_echo(fd, prompt, signals, ret, errmsg);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
    } while (err == TOK_MISSING);
    return err;
}

enum tok_err terminal_ask(const char *prompt, bool echo, struct secret *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    enum tok_err err;

    if (fd < 0)
        return errmsg_set(errmsg, TOK_FILE, "no terminal to prompt on (/dev/tty: %s)",
                          strerror(errno));
    if (!echo)
        return ask_without_echo(fd, prompt, ret, errmsg);
    err = write_prompt(fd, slice_of(prompt), errmsg);
    return err ? err : terminal_read_line(fd, ret, errmsg);
}
