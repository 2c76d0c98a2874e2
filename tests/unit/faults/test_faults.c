#include "tests/unit/faults/faults.h"

#include "common/base/cleanup.h"

#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

/* Of these a no is an answer: the next row is asked, and when all say no, the key is of no kind
 * that is known. */
static const char *const questions[] = {"EVP_PKEY_is_a",
                                        "EVP_PKEY_get_group_name",
                                        "EVP_PKEY_eq",
                                        "EVP_PKEY_get_int_param",
                                        "OBJ_txt2nid",
                                        "access",
                                        "lstat64",
                                        "stat64",
                                        NULL};

/* Their failure means an invalid key; that of the others is an error of ours. */
static const char *const key_checks[] = {"BN_bn2binpad",
                                         "BN_mod_mul",
                                         "BN_mul",
                                         "BN_sub",
                                         "PEM_read_bio",
                                         "OSSL_DECODER_from_data",
                                         "EVP_PKEY_fromdata",
                                         "EVP_PKEY_get_bn_param",
                                         "EVP_PKEY_get_octet_string_param",
                                         "EVP_PKEY_get_size",
                                         "EVP_PKEY_private_check",
                                         NULL};

static bool is_right(enum tok_err err, bool same, enum fault fault)
{
    const char *point = faults_struck();

    switch (fault) {
    case FAULT_INTERRUPTED:
    case FAULT_SHORT:
        return same;
    case FAULT_INSIDE:
        /* Much of libcrypto says no and nothing more: then the signature gets the blame. */
        return same || err == TOK_NO_MEMORY || err == TOK_CRYPTO || err == TOK_SIGNATURE;
    case FAULT_REFUSED:
        if (faults_struck_memory())
            return err == TOK_NO_MEMORY;
        if (err == TOK_KEYS && !faults_struck_system())
            return is_one_of(point, key_checks) || is_one_of(point, questions);
        return (err != TOK_OK && tok_err_is_ours(err)) ||
               ((same || err == TOK_UNSUPPORTED) && is_one_of(point, questions));
    }
    return false;
}

struct outcome {
    enum tok_err err;
    size_t points;
    char text[FAULTS_TEXT];
};

static void run(faults_operation *operation, const void *given, enum fault fault, size_t at,
                struct outcome *ret)
{
    memset(ret->text, 0, sizeof(ret->text));
    faults_begin(fault, at);
    ret->err = operation(given, ret->text);
    ret->points = faults_end();
}

static void try_kind(const char *what, faults_operation *operation, const void *given,
                     enum fault fault, const struct outcome *clean)
{
    static struct outcome with;
    struct outcome *o = &with;

    run(operation, given, fault, 0, o);
    for (size_t at = 1, n = o->points; at <= n; at++) {
        long before = faults_live_inside(), grown;
        const char *point;
        bool same;

        run(operation, given, fault, at, o);
        point = fault == FAULT_INSIDE ? "libcrypto's memory" : faults_struck();
        ck_assert_msg(point != NULL, "%s: call %zu of %zu never came", what, at, n);
        same = o->err == clean->err && strcmp(o->text, clean->text) == 0;
        ck_assert_msg(is_right(o->err, same, fault), "%s: %s (call %zu of %zu) failed: %s %s",
                      what, point, at, n, tok_err_word(o->err), o->text);
        ck_assert_msg(faults_live() == 0, "%s: %s (call %zu) failed: %zu allocations are left",
                      what, point, at, faults_live());
        ck_assert_msg(ERR_peek_error() == 0, "%s: %s (call %zu) failed: the error queue has %s",
                      what, point, at, ERR_reason_error_string(ERR_peek_error()));
        grown = faults_live_inside() - before;
        if (grown <= 0 || fault == FAULT_INSIDE)
            continue;
        /* Something made once and kept is no leak. */
        run(operation, given, fault, at, o);
        ck_assert_msg(faults_live_inside() - before < 2 * grown,
                      "%s: %s (call %zu) failed: %ld allocations of libcrypto are left", what,
                      point, at, grown);
    }
}

void faults_try(const char *what, faults_operation *operation, const void *given,
                enum tok_err verdict)
{
    static struct outcome clean;

    run(operation, given, FAULT_REFUSED, 0, &clean);
    ck_assert_msg(clean.err == verdict, "%s: without a fault: %s %s", what,
                  tok_err_word(clean.err), clean.text);
    ck_assert_msg(faults_live() == 0, "%s: without a fault: %zu allocations are left", what,
                  faults_live());
    ck_assert_msg(clean.points > 0, "%s: no point to fail at", what);
    for (enum fault fault = FAULT_REFUSED; fault <= FAULT_SHORT; fault++)
        try_kind(what, operation, given, fault, &clean);
}

void faults_try_inside(const char *what, faults_operation *operation, const void *given,
                       enum tok_err verdict)
{
    static struct outcome clean;

    run(operation, given, FAULT_INSIDE, 0, &clean);
    ck_assert_msg(clean.err == verdict, "%s: without a fault: %s %s", what,
                  tok_err_word(clean.err), clean.text);
    try_kind(what, operation, given, FAULT_INSIDE, &clean);
}

/* "__snprintf_chk" is snprintf with a check of its room. */
static void plain_name(char *name)
{
    const char *const checked = "_chk";
    size_t n = strlen(name), m = strlen(checked);

    if (n <= 2 + m || strncmp(name, "__", 2) != 0 || strcmp(name + n - m, checked) != 0)
        return;
    memmove(name, name + 2, n - 2 - m);
    name[n - 2 - m] = '\0';
}

static bool is_listed(const char *name)
{
    struct fault_point p;

    for (size_t i = 0; (p = faults_point_at(i)).name; i++)
        if (strcmp(p.name, name) == 0)
            return true;
    return false;
}

/* What a compiler or a sanitizer puts there. */
static bool is_compilers(const char *name)
{
    static const char *const begins[] = {"__asan_",      "__ubsan_", "__sanitizer_", "__gcov_",
                                         "__stack_chk_", "__llvm_",  "_GLOBAL_",     "__start_",
                                         "__stop_",      "__sancov_"};

    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
        if (strncmp(name, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

/* nm's names: those that no object of the library has are called outside. */
START_TEST(every_call_out_of_common_is_in_the_list)
{
    FILE *nm = popen("nm " COMMON_LIB " 2>/dev/null | awk '"
                     "NF == 3 { own[$3] = 1 } $1 == \"U\" { called[$2] = 1 }"
                     "END { for (name in called) if (!(name in own)) print name }'",
                     "re");
    char name[128];
    size_t n = 0;

    ck_assert_ptr_nonnull(nm);
    while (fscanf(nm, "%127s", name) == 1) {
        plain_name(name);
        n++;
        ck_assert_msg(is_listed(name) || is_compilers(name), "%s is not in faults.def", name);
    }
    ck_assert_int_eq(pclose(nm), 0);
    ck_assert_uint_gt(n, 60);
}
END_TEST

/* The last test. */
START_TEST(every_point_was_reached_and_failed)
{
    NEEDS_ROOT();
    struct fault_point p;

    for (size_t i = 0; (p = faults_point_at(i)).name; i++)
        ck_assert_msg(p.certain || p.refused > 0, "%s was called %ld times and never failed",
                      p.name, p.counted);
}
END_TEST

int main(void)
{
    const TTest *tests[3 * FAULTS_TESTS + 2] = {every_call_out_of_common_is_in_the_list};
    size_t n = 1;

    faults_init();
    n += faults_key_tests(tests + n);
    n += faults_token_tests(tests + n);
    n += faults_file_tests(tests + n);
    tests[n++] = every_point_was_reached_and_failed;
    return unit_run("faults", tests, n);
}
