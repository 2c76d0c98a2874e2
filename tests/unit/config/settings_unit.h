/*
 * Helpers of the tests of settings: texts that are read or refused, and their messages.
 */
#pragma once

#include "common/config/settings.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static inline struct slice s(const char *text)
{
    return (struct slice){text, strlen(text)};
}

/* Reads the text on top of what is there, or fails the test with the message. */
static inline void add(struct settings *set, const char *text)
{
    struct errmsg errmsg = {""};

    ck_assert_msg(settings_parse(set, "file", s(text), &errmsg) == TOK_OK, "%s", errmsg.text);
}

static inline struct settings read_text(const char *text)
{
    struct settings set = {0};

    ck_assert_ok(settings_init(&set));
    add(&set, text);
    return set;
}

static inline void accept(const char *text)
{
    struct settings set = read_text(text);

    settings_clear(&set);
}

/* The text is refused. The message has this line, this text and what was expected. */
static inline void refuse_bytes(struct slice text, unsigned line, const char *part)
{
    CLEANUP(settings_clear) struct settings set = {0};
    struct errmsg errmsg = {""};
    char begin[32];

    ck_assert_ok(settings_init(&set));
    ck_assert_err(settings_parse(&set, "file", text, &errmsg), TOK_SETTINGS);
    (void)snprintf(begin, sizeof(begin), "file:%u: ", line);
    ck_assert_msg(strncmp(errmsg.text, begin, strlen(begin)) == 0, "not '%s' but '%s'", begin,
                  errmsg.text);
    ck_assert_msg(strstr(errmsg.text, part) != NULL, "'%s' lacks '%s'", errmsg.text, part);
    ck_assert_msg(strstr(errmsg.text, ": expected ") != NULL ||
                      strstr(errmsg.text, ": remove one"),
                  "'%s' lacks what was expected", errmsg.text);
}

static inline void refuse(const char *text, unsigned line, const char *part)
{
    refuse_bytes(s(text), line, part);
}

static inline void words_are(word_list list, const char *want)
{
    CLEANUP(cleanup_free) char *text = NULL;

    ck_assert_ok(word_list_format(list, ' ', &text));
    ck_assert_str_eq(text, want);
}

#define SEC UINT64_C(1000000)
