/*
 * Any bytes at all as a JSON document. Beyond "no crash": scan and json-c agree on every value;
 * the two ways to a member agree; no text has two members of one name; a fault lies within the
 * text; a blank after the text, which shuts the short way through plain members, changes
 * nothing.
 */
#include "common/json/json.h"
#include "tests/unit/json/same_as_json_c.h"

#define MEMBERS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static void fault_lies_within(struct slice doc, const struct scan_fault *fault)
{
    must(fault->at <= doc.n && fault->what);
    if (fault->surrogate == 0)
        return;
    must(fault->surrogate >= 0xd800 && fault->surrogate <= 0xdfff);
    must(fault->member.p > doc.p && fault->member.n >= 2);
    must(fault->member.p + fault->member.n < doc.p + fault->at);
}

static void members_agree(struct scan_value v, const struct scan_member *members, size_t n)
{
    struct scan_member member;
    size_t pos = 0;

    for (size_t i = 0; i < n; i++) {
        struct same_text name = same_decode(members[i].name);

        must(scan_next_member(v, &pos, &member));
        must(slice_eq(member.name.text, members[i].name.text));
        must(slice_eq(member.value.text, members[i].value.text));
        must(member.value.type == members[i].value.type);
        must(member.value.escaped == members[i].value.escaped);
        for (size_t j = 0; j < i; j++)
            must(!scan_string_is(members[j].name, (struct slice){name.p, name.n}));
        must(scan_find(members, n, (struct slice){name.p, name.n}) == &members[i].value);
        free(name.p);
    }
    must(!scan_next_member(v, &pos, &member));
}

static void times_agree(struct scan_value v)
{
    int64_t floor, ceil, whole;

    if (scan_time(v, SCAN_FLOOR, &floor) != TOK_OK) {
        must(scan_time(v, SCAN_CEIL, &ceil) != TOK_OK && scan_integer(v, &whole) != TOK_OK);
        return;
    }
    must(v.type == SCAN_NUMBER);
    must(scan_time(v, SCAN_CEIL, &ceil) == TOK_OK && ceil - floor <= 1 && ceil >= floor);
    if (scan_integer(v, &whole) == TOK_OK)
        must(whole == floor && whole == ceil);
}

static void a_blank_changes_nothing(struct slice doc, enum tok_err want, size_t want_n)
{
    struct scan_member members[MEMBERS];
    char *longer = malloc(doc.n + 1);
    size_t n = 0;

    must(longer != NULL);
    if (doc.n > 0)
        memcpy(longer, doc.p, doc.n);
    longer[doc.n] = ' ';
    must(scan_object((struct slice){longer, doc.n + 1}, members, MEMBERS, &n, NULL) == want);
    must(want != TOK_OK || n == want_n);
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice doc = {(const char *)data, size};
    struct scan_fault fault = {0}, object_fault = {0};
    struct scan_member members[MEMBERS];
    struct scan_value v;
    size_t n = 0;
    enum tok_err err, object_err;

    err = scan_document(doc, &v, &fault);
    object_err = scan_object(doc, members, MEMBERS, &n, &object_fault);
    a_blank_changes_nothing(doc, object_err, n);
    if (err != TOK_OK) {
        must(err == TOK_JSON && object_err == TOK_JSON);
        fault_lies_within(doc, &fault);
        return 0;
    }
    must(same_as_json_c(doc, v) == NULL);
    if (object_err == TOK_OK) {
        must(v.type == SCAN_OBJECT);
        members_agree(v, members, n);
        for (size_t i = 0; i < n; i++)
            times_agree(members[i].value);
    }
    times_agree(v);
    return 0;
}
