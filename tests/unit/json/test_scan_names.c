#include "tests/unit/json/scan_unit.h"

#include <time.h>

/* ---- duplicates ---- */

START_TEST(duplicate_members_are_refused_at_every_level)
{
    REFUSED("{\"a\":1,\"a\":1}", "duplicate member", 7);
    REFUSED("{\"a\":1,\"b\":2,\"a\":3}", "duplicate member", 13);
    REFUSED("{\"x\":{\"a\":1,\"a\":2}}", "duplicate member", 12);
    REFUSED("[[{\"x\":[{\"a\":1,\"a\":2}]}]]", "duplicate member", 15);
    REFUSED("{\"\":1,\"\":2}", "duplicate member", 6);
    /* Also when an inner object comes between them. */
    REFUSED("{\"a\":{\"a\":1,\"b\":2,\"c\":3},\"a\":2}", "duplicate member", 25);
    REFUSED("{\"b\":{\"a\":{}},\"c\":0,\"b\":2}", "duplicate member", 20);
    ACCEPTED("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1},\"c\":[{\"a\":1},{\"a\":1}]}");
}
END_TEST

START_TEST(names_are_compared_after_escapes)
{
    REFUSED("{\"a\":1,\"\\u0061\":2}", "duplicate member", 7);
    REFUSED("{\"\\u0061\":1,\"a\":2}", "duplicate member", 12);
    REFUSED("{\"s\\u0075b\":1,\"\\u0073ub\":2}", "duplicate member", 14);
    REFUSED("{\"\\/\":1,\"/\":2}", "duplicate member", 8);
    REFUSED("{\"\\u00e9\":1,\"\xc3\xa9\":2}", "duplicate member", 12);
    REFUSED("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", "duplicate member", 18);
    REFUSED("{\"\\u000a\":1,\"\\n\":2}", "duplicate member", 12);
    REFUSED("{\"\\u00E9\":1,\"\\u00e9\":2}", "duplicate member", 12);
    ACCEPTED("{\"a\":1,\"\\\\u0061\":2,\"A\":3,\"aa\":4}");
}
END_TEST

START_TEST(a_name_with_u0000_never_equals_a_shorter_one)
{
    static const char doc[] = "{\"sub\":1,\"sub\\u0000x\":2,\"sub\\u0000\":3,\"\\u0000sub\":4}";
    struct scan_member members[4];
    size_t n;
    int64_t number;

    ck_assert_ok(scan_object(SLICE(doc), members, 4, &n, NULL));
    ck_assert_uint_eq(n, 4);
    ck_assert_ok(scan_integer(*scan_find(members, n, SLICE("sub")), &number));
    ck_assert_int_eq(number, 1);
    ck_assert_ptr_null(scan_find(members + 1, n - 1, SLICE("sub")));
    REFUSED("{\"sub\\u0000x\":1,\"sub\\u0000x\":2}", "duplicate member", 16);
}
END_TEST

/* n names in a mixed order, and the name at index `again` once more (SIZE_MAX: not). */
static char *many_names(size_t n, size_t again, bool escaped)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i <= n; i++) {
        size_t name = (i == n ? again : i) * 7919 % 10007;

        if (i == n && again == SIZE_MAX)
            break;
        fprintf(f, "%c\"%s%zu\":%zu", i == 0 ? '{' : ',', escaped && i % 3 ? "\\u006b" : "k",
                name, 1 - i / 2 % 2);
    }
    fputs("}", f);
    fclose(f);
    return text;
}

START_TEST(a_duplicate_is_found_among_many_names)
{
    for (size_t n = 1; n < 200; n += 13) {
        for (size_t again = 0; again < n; again++) {
            char *doc = many_names(n, again, again % 2);

            ck_assert_err(scan((struct slice){doc, strlen(doc)}, NULL), TOK_JSON);
            free(doc);
        }
        char *doc = many_names(n, SIZE_MAX, n % 2);

        is_accepted((struct slice){doc, strlen(doc)});
        free(doc);
    }
}
END_TEST

START_TEST(names_that_are_open_at_once_are_bounded)
{
    char *full = many_names(SCAN_NAMES, SIZE_MAX, false);
    char *over = many_names(SCAN_NAMES + 1, SIZE_MAX, false);
    char *again = repeat("{\"a\":0,\"b\":0},", "0]", "", SCAN_NAMES);
    char *listed = malloc(strlen(again) + 2);
    struct scan_fault fault = {0};

    is_accepted((struct slice){full, strlen(full)});
    ck_assert_err(scan((struct slice){over, strlen(over)}, &fault), TOK_JSON);
    ck_assert_str_eq(fault.what, "too many members");
    /* Closed objects do not count. */
    ck_assert_ptr_nonnull(listed);
    listed[0] = '[';
    memcpy(listed + 1, again, strlen(again) + 1);
    is_accepted((struct slice){listed, strlen(listed)});
    free(full), free(over), free(again), free(listed);
}
END_TEST

/* ---- time ---- */

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static bool holds(const char *s, const char *part)
{
    return s && strstr(s, part);
}

/* Nanoseconds allowed for 8 KiB; about a sixth was measured. Valgrind and the sanitizers are
 * slower. */
static int64_t time_limit(void)
{
    if (SANITIZED || holds(getenv("LD_PRELOAD"), "vgpreload"))
        return 100000000;
    return 1000000;
}

/* The minimum of ten runs, in nanoseconds of CPU time. */
static int64_t time_of(struct slice doc)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < 10; i++) {
        struct timespec from, to;
        struct scan_value v;
        int64_t took;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
        ck_assert_ok(scan_document(doc, &v, NULL));
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
        took = (to.tv_sec - from.tv_sec) * INT64_C(1000000000) + (to.tv_nsec - from.tv_nsec);
        least = took < least ? took : least;
    }
    return least;
}

START_TEST(no_choice_of_names_makes_scan_slow)
{
    static const struct {
        const char *before; /* names begin with it; a number follows */
        size_t n;
        int step;
    } rows[] = {
        {"", 1000, 1},         /* in ascending order */
        {"", 1000, -1},        /* in descending order */
        {"aaaaaaaa", 450, -1}, /* with equal beginnings */
        {"\\u0061\\u0061\\u0061\\u0061", 240, -1},
    };

    for (size_t row = 0; row < N(rows); row++) {
        char *doc = NULL;
        size_t n = 0;
        int64_t took;
        FILE *f = open_memstream(&doc, &n);

        ck_assert_ptr_nonnull(f);
        for (size_t i = 0; i < rows[row].n; i++) {
            size_t name = rows[row].step > 0 ? i : rows[row].n - i;

            fprintf(f, "%c\"%s%zu\":1", i == 0 ? '{' : ',', rows[row].before, name);
        }
        fputc('}', f);
        fclose(f);
        took = time_of((struct slice){doc, n});
        fprintf(stderr, "# %zu bytes, %zu names: %lld us\n", n, rows[row].n,
                (long long)(took / 1000));
        ck_assert_msg(took < time_limit(), "%lld ns", (long long)took);
        free(doc);
    }
}
END_TEST

UNIT_MAIN("scan_names", duplicate_members_are_refused_at_every_level,
          names_are_compared_after_escapes, a_name_with_u0000_never_equals_a_shorter_one,
          a_duplicate_is_found_among_many_names, names_that_are_open_at_once_are_bounded,
          no_choice_of_names_makes_scan_slow)
