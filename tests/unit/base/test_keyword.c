/* Members of a struct, set by text. */
#include "common/base/keyword.h"

#include "common/base/timespan.h"
#include "common/base/value.h"
#include "tests/unit/unit.h"

struct record {
    bool flag, toggle;
    uint64_t number, seconds, span;
    uint32_t set;
    char *text;
    word_list words, texts;
};

static uint32_t bit(struct slice name)
{
    return slice_is(name, "one") ? 1 : slice_is(name, "two") ? 2 : 0;
}

#define ROW(member, type, ...) KEYWORD(struct record, member, type, __VA_ARGS__)

static const struct keyword table[] = {
    {"Flag", "A", ROW(flag, keyword_flag, KEYWORD_YES_NO, .bare = true, .initial = "yes")},
    {"Switch", "A", ROW(toggle, keyword_flag, .names = "", .bare = true)},
    {"Number", "A",
     ROW(number, keyword_number, .min = "5", .max = "10", .form = "FORM", .initial = "7")},
    {"Seconds", "B",
     ROW(seconds, keyword_span, .min = "1s", .max = "1min", .step = SECOND, .unit = SECOND,
         .initial = "5s")},
    {"Span", "B",
     ROW(span, keyword_span, .min = "100ms", .max = "1min", .step = 1, .unit = 1,
         .initial = "250ms")},
    {"Set", "B", ROW(set, keyword_set, .names = "one two", .bit = bit, .initial = "two one")},
    {"Flag", "B", ROW(text, keyword_text, .valid = value_is_path)},
    {"Words", "B",
     ROW(words, keyword_words, .valid = value_is_name, .form = "FORM", .initial = "a b")},
    {"Texts", "B", ROW(texts, keyword_texts, .valid = value_is_path)},
    {0},
};

static void record_clear(struct record *r)
{
    keywords_clear(table, r);
}

static struct record fresh(void)
{
    struct record r = {0};

    ck_assert_ok(keywords_init(table, &r));
    return r;
}

static enum tok_err assign(struct record *r, const char *name, struct slice text,
                           char separator, struct errmsg *errmsg)
{
    const struct keyword *k = keyword_find(table, NULL, slice_of(name));
    const struct keyword_value v = {k, slice_of(name), text, separator};

    ck_assert_ptr_nonnull(k);
    return keyword_assign(&v, r, errmsg);
}

static void set(struct record *r, const char *name, const char *text)
{
    struct errmsg errmsg = {""};

    ck_assert_msg(assign(r, name, slice_of(text), ' ', &errmsg) == TOK_OK, "%s", errmsg.text);
}

static void refuse(struct record *r, const char *name, const char *text)
{
    ck_assert_err(assign(r, name, slice_of(text), ' ', NULL), TOK_SETTINGS);
}

/* The member's text is this. */
static void is(const struct record *r, const char *name, const char *want)
{
    CLEANUP(cleanup_free) char *text = NULL;
    const struct keyword *k = keyword_find(table, NULL, slice_of(name));

    ck_assert_ok(k->type->format(k, r, &text));
    ck_assert_str_eq(text, want);
}

START_TEST(a_name_belongs_to_a_section)
{
    ck_assert_ptr_eq(keyword_find(table, "A", SLICE("Flag")), &table[0]);
    ck_assert_ptr_eq(keyword_find(table, "B", SLICE("Flag")), &table[6]);
    ck_assert_ptr_null(keyword_find(table, "A", SLICE("Span")));
    ck_assert_ptr_null(keyword_find(table, NULL, SLICE("flag")));
    ck_assert_ptr_null(keyword_find(table, NULL, SLICE("Flag\0")));
    ck_assert_ptr_null(keyword_find(table, NULL, SLICE("")));
}
END_TEST

START_TEST(members_start_with_their_defaults)
{
    CLEANUP(record_clear) struct record r = fresh();

    ck_assert(r.flag && !r.toggle && !r.text && !r.texts);
    ck_assert_uint_eq(r.number, 7);
    ck_assert_uint_eq(r.seconds, 5);
    ck_assert_uint_eq(r.span, 250000);
    ck_assert_uint_eq(r.set, 3);
    is(&r, "Words", "a b");
}
END_TEST

START_TEST(a_flag_has_eight_values_or_none)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};
    static const char *const wrong[] = {"", "Yes", "y", "yes ", "2", "enabled"};
    CLEANUP(record_clear) struct record r = fresh();

    for (size_t i = 0; i < 4; i++) {
        set(&r, "Flag", no[i]);
        is(&r, "Flag", "no");
        set(&r, "Flag", yes[i]);
        is(&r, "Flag", "yes");
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse(&r, "Flag", wrong[i]);
    set(&r, "Flag", "no");
    ck_assert_ok(assign(&r, "Flag", (struct slice){0}, ',', NULL));
    ck_assert(r.flag);
}
END_TEST

START_TEST(a_switch_takes_no_value)
{
    CLEANUP(record_clear) struct record r = fresh();

    refuse(&r, "Switch", "yes");
    refuse(&r, "Switch", "");
    ck_assert(!r.toggle);
    ck_assert_ok(assign(&r, "Switch", (struct slice){0}, ',', NULL));
    ck_assert(r.toggle);
}
END_TEST

START_TEST(numbers_are_digits_in_a_range)
{
    static const char *const wrong[] = {"",
                                        "-1",
                                        "+5",
                                        " 5",
                                        "5 ",
                                        "05",
                                        "5x",
                                        "0x5",
                                        "5.0",
                                        "4",
                                        "11",
                                        "0",
                                        "18446744073709551621",
                                        "99999999999999999999999"};
    CLEANUP(record_clear) struct record r = fresh();

    set(&r, "Number", "5");
    ck_assert_uint_eq(r.number, 5);
    set(&r, "Number", "10");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse(&r, "Number", wrong[i]);
    ck_assert_uint_eq(r.number, 10);
}
END_TEST

START_TEST(spans_are_multiples_of_a_step_in_a_range)
{
    CLEANUP(record_clear) struct record r = fresh();

    set(&r, "Seconds", "60");
    ck_assert_uint_eq(r.seconds, 60);
    is(&r, "Seconds", "1min");
    refuse(&r, "Seconds", "0");
    refuse(&r, "Seconds", "61");
    refuse(&r, "Seconds", "1500ms");
    refuse(&r, "Seconds", "");
    ck_assert_uint_eq(r.seconds, 60);
    set(&r, "Span", "1s 1us");
    ck_assert_uint_eq(r.span, 1000001);
    is(&r, "Span", "1000001us");
    refuse(&r, "Span", "99ms");
}
END_TEST

START_TEST(a_set_has_at_least_one_of_its_names)
{
    CLEANUP(record_clear) struct record r = fresh();

    is(&r, "Set", "one two");
    set(&r, "Set", " two ");
    ck_assert_uint_eq(r.set, 2);
    refuse(&r, "Set", "");
    refuse(&r, "Set", "two three");
    refuse(&r, "Set", "two,one");
    ck_assert_ok(assign(&r, "Set", SLICE("two,one"), ',', NULL));
    ck_assert_uint_eq(r.set, 3);
    ck_assert_err(assign(&r, "Set", (struct slice){0}, ',', NULL), TOK_SETTINGS);
}
END_TEST

START_TEST(a_list_is_replaced_and_texts_are_added)
{
    CLEANUP(record_clear) struct record r = fresh();

    set(&r, "Words", "c  d");
    is(&r, "Words", "c d");
    refuse(&r, "Words", "");
    refuse(&r, "Words", "c \"d");
    refuse(&r, "Words", "c d\"e\"");
    ck_assert_err(assign(&r, "Words", SLICE("c,,d"), ',', NULL), TOK_SETTINGS);
    is(&r, "Words", "c d");
    set(&r, "Texts", "/a b");
    set(&r, "Texts", "/c");
    refuse(&r, "Texts", "d");
    ck_assert_str_eq(r.texts[0], "/a b");
    ck_assert_str_eq(r.texts[1], "/c");
    ck_assert_ptr_null(r.texts[2]);
}
END_TEST

START_TEST(a_text_with_a_nul_is_refused)
{
    CLEANUP(record_clear) struct record r = fresh();

    const struct keyword_value v = {&table[6], SLICE("Flag"), SLICE("/a\0b"), ' '};

    r.text = strdup("/before");
    ck_assert_err(keyword_assign(&v, &r, NULL), TOK_SETTINGS);
    ck_assert_str_eq(r.text, "/before");
}
END_TEST

START_TEST(a_message_has_name_value_and_form)
{
    CLEANUP(record_clear) struct record r = fresh();
    struct errmsg errmsg;
    char longest[300] = "";

    (void)assign(&r, "Number", SLICE("4"), ' ', &errmsg);
    ck_assert_str_eq(errmsg.text, "Number=4: expected FORM");
    (void)assign(&r, "Number", (struct slice){0}, ',', &errmsg);
    ck_assert_str_eq(errmsg.text, "Number has no value: expected FORM");
    (void)assign(&r, "Words", SLICE(""), ' ', &errmsg);
    ck_assert_str_eq(errmsg.text, "Words=: expected FORM, separated by spaces");
    (void)assign(&r, "Words", SLICE(","), ',', &errmsg);
    ck_assert_str_eq(errmsg.text, "Words=,: expected FORM, separated by commas");
    memset(longest, 'a', sizeof(longest) - 1);
    (void)assign(&r, "Number", slice_of(longest), ' ', &errmsg);
    ck_assert_uint_eq(strlen(errmsg.text), strlen("Number=: expected FORM") + 100);
}
END_TEST

START_TEST(a_copy_shares_no_memory)
{
    CLEANUP(record_clear) struct record r = fresh();
    CLEANUP(record_clear) struct record copy = {0};

    set(&r, "Texts", "/a");
    set(&r, "Number", "9");
    ck_assert_ok(keywords_copy(table, &r, &copy));
    ck_assert(copy.flag && !copy.text);
    ck_assert_uint_eq(copy.number, 9);
    ck_assert_str_eq(copy.texts[0], "/a");
    ck_assert_ptr_ne(copy.texts, r.texts);
    ck_assert_ptr_ne(copy.texts[0], r.texts[0]);
    set(&r, "Texts", "/b");
    ck_assert_ok(keyword_copy(&table[8], &r, &copy));
    ck_assert_str_eq(copy.texts[1], "/b");
}
END_TEST

UNIT_MAIN("keyword", a_name_belongs_to_a_section, members_start_with_their_defaults,
          a_flag_has_eight_values_or_none, a_switch_takes_no_value,
          numbers_are_digits_in_a_range, spans_are_multiples_of_a_step_in_a_range,
          a_set_has_at_least_one_of_its_names, a_list_is_replaced_and_texts_are_added,
          a_text_with_a_nul_is_refused, a_message_has_name_value_and_form,
          a_copy_shares_no_memory)
