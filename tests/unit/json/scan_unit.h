/*
 * For the tests of scan: a text is accepted, or refused for a given reason at a given byte.
 * Accepted texts are compared with json-c.
 */
#pragma once

#include <stdio.h>
#include <string.h>

#include "tests/unit/json/same_as_json_c.h"
#include "tests/unit/unit.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* In a block of exactly the size of the text, so that ASan finds a read past it. */
static inline enum tok_err scan(struct slice doc, struct scan_fault *fault)
{
    char *copy = malloc(doc.n > 0 ? doc.n : 1);
    struct scan_value v = {0};
    const char *differs = NULL;
    enum tok_err err;

    ck_assert_ptr_nonnull(copy);
    if (doc.n > 0)
        memcpy(copy, doc.p, doc.n);
    err = scan_document((struct slice){copy, doc.n}, &v, fault);
    if (err == TOK_OK)
        differs = same_as_json_c((struct slice){copy, doc.n}, v);
    free(copy);
    ck_assert_msg(!differs, "json-c says %s to %.*s", differs ? differs : "",
                  (int)(doc.n < 100 ? doc.n : 100), doc.p);
    return err;
}

static inline void is_accepted(struct slice doc)
{
    struct scan_fault fault = {0};

    ck_assert_msg(scan(doc, &fault) == TOK_OK, "refused: %.*s: %s at %zu",
                  (int)(doc.n < 100 ? doc.n : 100), doc.p, fault.what, fault.at);
}

static inline void is_refused(struct slice doc, const char *what, size_t at)
{
    struct scan_fault fault = {0};

    ck_assert_msg(scan(doc, &fault) == TOK_JSON, "accepted: %.*s",
                  (int)(doc.n < 100 ? doc.n : 100), doc.p);
    ck_assert_msg(strcmp(fault.what, what) == 0 && fault.at == at,
                  "%.*s: \"%s\" at %zu, not \"%s\" at %zu", (int)(doc.n < 100 ? doc.n : 100),
                  doc.p, fault.what, fault.at, what, at);
    ck_assert_uint_eq(fault.surrogate, 0);
}

#define ACCEPTED(literal) is_accepted(SLICE(literal))
#define REFUSED(literal, what, at) is_refused(SLICE(literal), what, at)

static inline struct scan_value value_of(const char *text)
{
    struct scan_value v = {0};

    ck_assert_ok(scan_document((struct slice){text, strlen(text)}, &v, NULL));
    return v;
}

/* `before` this many times, then middle, then `after` this many times. */
static inline char *repeat(const char *before, const char *middle, const char *after,
                           size_t times)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < times; i++)
        fputs(before, f);
    fputs(middle, f);
    for (size_t i = 0; i < times; i++)
        fputs(after, f);
    fclose(f);
    return text;
}
