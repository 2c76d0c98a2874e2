#include "tests/unit/faults/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#define LIVE_MAX 8192

enum {
#define POINT(name, ...) at_##name,
#define SYSTEM(name, ...) at_##name,
#define MEMORY(name, ...) at_##name,
#define SPECIAL(name) at_##name,
#include "tests/unit/faults/faults.def"
    N_POINTS,
};

static const char *const points[] = {
#define POINT(name, ...) #name,
#define SYSTEM(name, ...) #name,
#define MEMORY(name, ...) #name,
#define SPECIAL(name) #name,
#include "tests/unit/faults/faults.def"
};

static const char *const others[] = {
#define ALIAS(name) #name,
#define CERTAIN(name) #name,
#include "tests/unit/faults/faults.def"
};

#define N_OTHERS (sizeof(others) / sizeof(others[0]))

struct counters {
    long counted[N_POINTS], refused[N_POINTS];
};

static struct {
    bool armed;
    enum fault fault;
    size_t at, seen;
    int struck; /* a point; -1: none */
    void *live[LIVE_MAX];
    size_t n_live;
    long live_inside;
    struct counters *counters;
} faults = {.struck = -1};

static bool has_fault(int point)
{
    switch (faults.fault) {
    case FAULT_REFUSED:
        return true;
    case FAULT_INTERRUPTED:
    case FAULT_SHORT:
        return point == at_read || point == at_pread64 || point == at_write;
    case FAULT_INSIDE:
        return false;
    }
    return false;
}

/* Is it this call's turn? */
static bool strikes(int point)
{
    if (!faults.armed || !has_fault(point))
        return false;
    faults.counters->counted[point]++;
    if (++faults.seen != faults.at)
        return false;
    faults.struck = point;
    faults.counters->refused[point]++;
    return true;
}

static void forget(const void *p)
{
    for (size_t i = 0; p && i < faults.n_live; i++)
        if (faults.live[i] == p)
            faults.live[i] = faults.live[--faults.n_live];
}

static void *follow(void *p)
{
    if (faults.armed && p && faults.n_live < LIVE_MAX)
        faults.live[faults.n_live++] = p;
    return p;
}

/* What the linker calls instead of NAME, and the NAME it would have called. */
/* clang-format off */
#define POINT(name, type, parameters, arguments, refusal)                                      \
    type __real_##name parameters;                                                             \
    type __wrap_##name parameters;                                                             \
    type __wrap_##name parameters                                                              \
    {                                                                                          \
        return strikes(at_##name) ? (refusal) : __real_##name arguments;                       \
    }
#define SYSTEM(name, type, parameters, arguments)                                              \
    type __real_##name parameters;                                                             \
    type __wrap_##name parameters;                                                             \
    type __wrap_##name parameters                                                              \
    {                                                                                          \
        if (!strikes(at_##name))                                                               \
            return __real_##name arguments;                                                    \
        errno = EIO;                                                                           \
        return -1;                                                                             \
    }
#define MEMORY(name, parameters, arguments)                                                    \
    void *__real_##name parameters;                                                            \
    void *__wrap_##name parameters;                                                            \
    void *__wrap_##name parameters                                                             \
    {                                                                                          \
        if (!strikes(at_##name))                                                               \
            return follow(__real_##name arguments);                                            \
        errno = ENOMEM;                                                                        \
        return NULL;                                                                           \
    }
#include "tests/unit/faults/faults.def"
/* clang-format on */

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
    forget(p);
    __real_free(p);
}

void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
    void *grown;

    if (strikes(at_reallocarray)) {
        errno = ENOMEM;
        return NULL;
    }
    grown = __real_reallocarray(old, n, size);
    if (grown)
        forget(old);
    return follow(grown);
}

static int print(char **ret, const char *form, va_list args) PRINTF_LIKE(2, 0);
static int print(char **ret, const char *form, va_list args)
{
    int n;

    if (strikes(at_asprintf)) {
        errno = ENOMEM;
        return -1;
    }
    n = vasprintf(ret, form, args);
    if (n >= 0)
        (void)follow(*ret);
    return n;
}

int __wrap_asprintf(char **ret, const char *form, ...) PRINTF_LIKE(2, 3);
int __wrap_asprintf(char **ret, const char *form, ...)
{
    va_list args;
    int n;

    va_start(args, form);
    n = print(ret, form, args);
    va_end(args);
    return n;
}

int __wrap___asprintf_chk(char **ret, int flag, const char *form, ...) PRINTF_LIKE(3, 4);
int __wrap___asprintf_chk(char **ret, int flag, const char *form, ...)
{
    va_list args;
    int n;

    (void)flag;
    va_start(args, form);
    n = print(ret, form, args);
    va_end(args);
    return n;
}

typedef int filter_fn(const struct dirent *);
typedef int order_fn(const struct dirent **, const struct dirent **);

int __real_scandirat64(int dir, const char *name, struct dirent ***ret, filter_fn *filter,
                       order_fn *order);
int __wrap_scandirat64(int dir, const char *name, struct dirent ***ret, filter_fn *filter,
                       order_fn *order);
int __wrap_scandirat64(int dir, const char *name, struct dirent ***ret, filter_fn *filter,
                       order_fn *order)
{
    int n;

    if (strikes(at_scandirat64)) {
        errno = ENOMEM;
        return -1;
    }
    n = __real_scandirat64(dir, name, ret, filter, order);
    for (int i = 0; i < n; i++)
        (void)follow((*ret)[i]);
    if (n >= 0)
        (void)follow(*ret);
    return n;
}

int __real_openat64(int dir, const char *path, int flags, ...);

static int open_file(int point, int dir, const char *path, int flags, mode_t mode)
{
    if (!strikes(point))
        return __real_openat64(dir, path, flags, mode);
    errno = EIO;
    return -1;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return open_file(at_open64, AT_FDCWD, path, flags, mode);
}

int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
    return open_file(at_open64, AT_FDCWD, path, flags, 0);
}

int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return open_file(at_openat64, dir, path, flags, mode);
}

/* How much of a read or write is let through; -1, with errno: nothing. */
static ssize_t allowed(int point, size_t n)
{
    if (!strikes(point))
        return (ssize_t)n;
    if (faults.fault == FAULT_SHORT)
        return n ? 1 : 0;
    errno = faults.fault == FAULT_INTERRUPTED ? EINTR : EIO;
    return -1;
}

ssize_t __real_read(int fd, void *room, size_t n);
ssize_t __wrap_read(int fd, void *room, size_t n);
ssize_t __wrap_read(int fd, void *room, size_t n)
{
    ssize_t some = allowed(at_read, n);

    return some < 0 ? some : __real_read(fd, room, (size_t)some);
}

ssize_t __real_pread64(int fd, void *room, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *room, size_t n, off_t at);
ssize_t __wrap_pread64(int fd, void *room, size_t n, off_t at)
{
    ssize_t some = allowed(at_pread64, n);

    return some < 0 ? some : __real_pread64(fd, room, (size_t)some, at);
}

ssize_t __wrap___pread64_chk(int fd, void *room, size_t n, off_t at, size_t size);
ssize_t __wrap___pread64_chk(int fd, void *room, size_t n, off_t at, size_t size)
{
    if (n > size)
        abort(); /* no assertion: it calls what fails here */
    return __wrap_pread64(fd, room, n, at);
}

ssize_t __real_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n);
ssize_t __wrap_write(int fd, const void *bytes, size_t n)
{
    ssize_t some = allowed(at_write, n);

    return some < 0 ? some : __real_write(fd, bytes, (size_t)some);
}

/* An RSA key is made once and shown again: it takes longer than all else here. The last
 * argument is a size or a curve; neither is needed with Ed25519. */
EVP_PKEY *__real_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *lib, const char *props, const char *type, ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *lib, const char *props, const char *type, ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *lib, const char *props, const char *type, ...)
{
    static EVP_PKEY *made;
    const char *curve;
    va_list args;

    if (strikes(at_EVP_PKEY_Q_keygen))
        return NULL;
    if (strcmp(type, "RSA") != 0) {
        va_start(args, type);
        curve = va_arg(args, const char *);
        va_end(args);
        return __real_EVP_PKEY_Q_keygen(lib, props, type, curve);
    }
    if (!made)
        made = __real_EVP_PKEY_Q_keygen(lib, props, type, (size_t)2048);
    return made && EVP_PKEY_up_ref(made) == 1 ? made : NULL;
}

static struct fault_comparing comparing;
static int comparing_answers = -1;

bool __real_secret_equal(struct slice a, struct slice b);
bool __wrap_secret_equal(struct slice a, struct slice b);
bool __wrap_secret_equal(struct slice a, struct slice b)
{
    comparing.calls++;
    comparing.n = a.n;
    return comparing_answers < 0 ? __real_secret_equal(a, b) : comparing_answers == 1;
}

struct fault_comparing faults_comparing(int answer)
{
    struct fault_comparing so_far = comparing;

    comparing_answers = answer;
    comparing = (struct fault_comparing){0};
    return so_far;
}

/* libcrypto's own memory */

static bool strikes_inside(void)
{
    if (!faults.armed || faults.fault != FAULT_INSIDE)
        return false;
    return ++faults.seen == faults.at;
}

static void *inside_malloc(size_t n, const char *file, int line)
{
    void *p = strikes_inside() ? NULL : __real_malloc(n);

    (void)file;
    (void)line;
    faults.live_inside += p != NULL;
    return p;
}

static void inside_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    faults.live_inside -= p != NULL;
    __real_free(p);
}

static void *inside_realloc(void *old, size_t n, const char *file, int line)
{
    void *p;

    if (!old)
        return inside_malloc(n, file, line);
    if (n == 0) {
        inside_free(old, file, line);
        return NULL;
    }
    p = strikes_inside() ? NULL : realloc(old, n);
    return p;
}

void faults_init(void)
{
    if (CRYPTO_set_mem_functions(inside_malloc, inside_realloc, inside_free) != 1)
        abort();
    faults.counters = mmap(NULL, sizeof(*faults.counters), PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (faults.counters == MAP_FAILED)
        abort();
}

void faults_begin(enum fault fault, size_t at)
{
    faults.fault = fault;
    faults.at = at;
    faults.seen = 0;
    faults.struck = -1;
    faults.n_live = 0;
    faults.armed = true;
}

size_t faults_end(void)
{
    faults.armed = false;
    return faults.seen;
}

const char *faults_struck(void)
{
    return faults.struck < 0 ? NULL : points[faults.struck];
}

bool faults_struck_memory(void)
{
    switch (faults.struck) {
#define MEMORY(name, ...) case at_##name:
#include "tests/unit/faults/faults.def"
    case at_reallocarray:
    case at_asprintf:
        return true;
    default:
        return false;
    }
}

bool faults_struck_system(void)
{
    switch (faults.struck) {
#define SYSTEM(name, ...) case at_##name:
#include "tests/unit/faults/faults.def"
    case at_scandirat64:
    case at_open64:
    case at_openat64:
    case at_read:
    case at_pread64:
    case at_write:
        return true;
    default:
        return false;
    }
}

size_t faults_live(void)
{
    return faults.n_live;
}

long faults_live_inside(void)
{
    return faults.live_inside;
}

struct fault_point faults_point_at(size_t i)
{
    if (i < N_POINTS)
        return (struct fault_point){points[i], false, faults.counters->counted[i],
                                    faults.counters->refused[i]};
    i -= N_POINTS;
    if (i < N_OTHERS)
        return (struct fault_point){.name = others[i], .certain = true};
    return (struct fault_point){0};
}
