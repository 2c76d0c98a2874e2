/* What the checks ask the system: programs, files. */
#include "jwtctl/doctor/doctor.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#define OUTPUT_MAX ((size_t)64 << 10)

static void run_child(char *const argv[], int output)
{
    char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C.UTF-8";
    char *environment[] = {path, locale, NULL};
    int null = open("/dev/null", O_RDONLY);

    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0 &&
        dup2(output, STDERR_FILENO) >= 0)
        (void)execve(argv[0], argv, environment);
    _exit(127);
}

static int64_t milliseconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads until the end, the deadline or OUTPUT_MAX bytes. False: not to the end. */
static bool read_output(int fd, char *text, size_t *n)
{
    const int64_t deadline = milliseconds() + DOCTOR_SECONDS * 1000;

    while (*n < OUTPUT_MAX) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = deadline - milliseconds();
        ssize_t got;

        if (left <= 0 || poll(&p, 1, (int)left) <= 0)
            return false;
        got = read(fd, text + *n, OUTPUT_MAX - *n);
        if (got <= 0)
            return got == 0;
        *n += (size_t)got;
    }
    return false;
}

int doctor_run(char *const argv[], char **ret)
{
    char *text = calloc(1, OUTPUT_MAX + 1);
    int ends[2], status = 0;
    size_t n = 0;
    pid_t child;

    *ret = text;
    if (!text || pipe2(ends, O_CLOEXEC) < 0)
        return -1;
    child = fork();
    if (child == 0)
        run_child(argv, ends[1]);
    (void)close(ends[1]);
    if (child > 0 && !read_output(ends[0], text, &n))
        (void)kill(child, SIGKILL);
    (void)close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    while (n > 0 && text[n - 1] == '\n')
        text[--n] = '\0';
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct slice doctor_value(const char *text, const char *name, char separator)
{
    struct slice rest = slice_of(text), line, key, value;

    while (rest.n > 0) {
        if (!slice_cut(rest, '\n', &line, &rest)) {
            line = rest;
            rest.n = 0;
        }
        if (slice_cut(line, separator, &key, &value) && slice_is(key, name))
            return value;
    }
    return (struct slice){NULL, 0};
}

static bool has_owner(const char *name, uid_t uid)
{
    const struct passwd *user = getpwnam(name);

    return user && user->pw_uid == uid;
}

bool doctor_check_place(struct doctor *d, const struct place *place)
{
    const mode_t write = S_IWGRP | S_IWOTH, type = place->directory ? S_IFDIR : S_IFREG;
    const mode_t others = place->mode & S_IROTH ? write : S_IRWXG | S_IRWXO;
    struct doctor_text remedy;
    struct advice advice = {place->path, NULL};
    struct stat st;

    if (lstat(place->path, &st) < 0) {
        advice.remedy = place->make;
        if (place->make && (errno == ENOENT || errno == ENOTDIR))
            doctor_problem(d, DOCTOR_ERROR, advice, "is missing");
        return false;
    }
    if ((st.st_mode & S_IFMT) != type) {
        doctor_problem(d, DOCTOR_ERROR, advice, "expected a %s",
                       place->directory ? "directory" : "regular file, and no link");
        return false;
    }
    if ((!place->owner || has_owner(place->owner, st.st_uid)) && !(st.st_mode & others) &&
        !(place->mode & ~st.st_mode & ~(mode_t)S_IWUSR))
        return true;
    advice.remedy = doctor_text(&remedy, "chown %s %s && chmod %04o %s",
                                place->owner ? place->owner : "root", place->path,
                                (unsigned)place->mode, place->path);
    doctor_problem(d, DOCTOR_ERROR, advice,
                   "has owner uid %lu and mode %04o: expected %s and %04o",
                   (unsigned long)st.st_uid, (unsigned)(st.st_mode & ALLPERMS),
                   place->owner ? place->owner : "root", (unsigned)place->mode);
    return false;
}
