#include "jwtctl/terminal.h"

#include "common/base/cleanup.h"
#include "jwtctl/safe_text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

enum tok_err terminal_read_line(int fd, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(secret_clear) struct secret line = {0};
    size_t n = 0;

    if (secret_alloc(TERMINAL_LINE_MAX + 1, &line) != TOK_OK)
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    for (;;) {
        ssize_t got = read(fd, line.p + n, 1);

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

/* False when one of the blocked signals has arrived. */
static bool wait_for_line(int fd, int signals)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = fd, .events = POLLIN}};

    while (poll(fds, 2, -1) < 0) {
        if (errno != EINTR)
            return false;
    }
    return fds[0].revents == 0;
}

/* The signals that end or stop a program are blocked until the echo is on again, and take
 * effect then. The signalfd is only polled, never read. */
static enum tok_err read_silent(int fd, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int signals = -1;
    struct termios before, silent;
    sigset_t ending, mask;
    enum tok_err err;

    if (tcgetattr(fd, &before) != 0)
        return errmsg_set(errmsg, TOK_FILE, "/dev/tty: %s", strerror(errno));
    silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    (void)sigemptyset(&ending);
    (void)sigaddset(&ending, SIGINT);
    (void)sigaddset(&ending, SIGTERM);
    (void)sigaddset(&ending, SIGHUP);
    (void)sigaddset(&ending, SIGQUIT);
    (void)sigaddset(&ending, SIGTSTP);
    signals = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0 || sigprocmask(SIG_BLOCK, &ending, &mask) != 0)
        return errmsg_set(errmsg, TOK_FILE, "/dev/tty: %s", strerror(errno));
    (void)tcsetattr(fd, TCSAFLUSH, &silent);
    if (wait_for_line(fd, signals))
        err = terminal_read_line(fd, ret, errmsg);
    else
        err = errmsg_set(errmsg, TOK_FILE, "interrupted");
    (void)tcsetattr(fd, TCSANOW, &before);
    (void)!write(fd, "\n", 1);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
    return err;
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

enum tok_err terminal_ask(const char *prompt, bool echo, struct secret *ret,
                          struct errmsg *errmsg)
{
    CLEANUP(cleanup_close) int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    enum tok_err err;

    if (fd < 0)
        return errmsg_set(errmsg, TOK_FILE, "no terminal to prompt on (/dev/tty: %s)",
                          strerror(errno));
    err = write_prompt(fd, slice_of(prompt), errmsg);
    if (err)
        return err;
    return echo ? terminal_read_line(fd, ret, errmsg) : read_silent(fd, ret, errmsg);
}
