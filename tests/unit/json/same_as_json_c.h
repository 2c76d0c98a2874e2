/*
 * Compares scan with json-c: what scan accepts, json-c accepts with the same values. For the
 * unit tests and for the fuzzer.
 */
#pragma once

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "common/json/json.h"

struct same_text {
    char *p;
    size_t n;
};

static inline struct same_text same_decode(struct scan_value v)
{
    struct same_text text = {malloc(v.text.n + 1), 0};

    if (!text.p || scan_string(v, text.p, v.text.n, &text.n) != TOK_OK)
        abort();
    text.p[text.n] = '\0';
    return text;
}

/* True for characters that json-c 0.16 decodes wrong when they are escaped: the low 16 bits of
 * their code are those of a surrogate. */
static inline bool same_is_bent(struct scan_value v, struct same_text text)
{
    for (size_t i = 0; v.escaped && i + 3 < text.n; i++) {
        const unsigned char *p = (const unsigned char *)text.p + i;

        if (p[0] >= 0xf0 && (p[1] & 0x0f) == 0x0d && p[2] >= 0xa0)
            return true;
    }
    return false;
}

static inline bool same_string(struct scan_value v, struct json_object *j)
{
    struct same_text text = same_decode(v);
    bool same =
        json_object_is_type(j, json_type_string) &&
        (same_is_bent(v, text) || ((size_t)json_object_get_string_len(j) == text.n &&
                                   memcmp(json_object_get_string(j), text.p, text.n) == 0)) &&
        scan_string_is(v, (struct slice){text.p, text.n});

    free(text.p);
    return same;
}

/* json-c saturates numbers that are out of its range (json.h). */
static inline bool same_number(struct scan_value v, struct json_object *j)
{
    char *text = strndup(v.text.p, v.text.n);
    bool same;

    if (!text)
        abort();
    errno = 0;
    if (strpbrk(text, ".eE")) {
        double want = strtod(text, NULL), got = json_object_get_double(j);

        same = json_object_is_type(j, json_type_double) && (errno == ERANGE || want == got);
    } else if (text[0] == '-') {
        long long want = strtoll(text, NULL, 10);

        same = json_object_is_type(j, json_type_int) &&
               (errno == ERANGE || json_object_get_int64(j) == want);
    } else {
        unsigned long long want = strtoull(text, NULL, 10);

        same = json_object_is_type(j, json_type_int) &&
               (errno == ERANGE || json_object_get_uint64(j) == want);
    }
    free(text);
    return same;
}

static inline bool same_value(struct scan_value v, struct json_object *j);

static inline bool same_array(struct scan_value v, struct json_object *j)
{
    struct scan_value element;
    size_t pos = 0, n = 0;

    if (!json_object_is_type(j, json_type_array))
        return false;
    for (; scan_next_element(v, &pos, &element); n++) {
        if (n >= json_object_array_length(j) ||
            !same_value(element, json_object_array_get_idx(j, n)))
            return false;
    }
    return n == json_object_array_length(j);
}

/* False when json-c changes a name: its object then cannot be compared. */
static inline bool same_names_are_whole(struct scan_value v)
{
    struct scan_member member;
    bool whole = true;
    size_t pos = 0;

    while (whole && scan_next_member(v, &pos, &member)) {
        struct same_text name = same_decode(member.name);

        whole = !memchr(name.p, 0, name.n) && !same_is_bent(member.name, name);
        free(name.p);
    }
    return whole;
}

static inline bool same_object(struct scan_value v, struct json_object *j)
{
    struct scan_member member;
    size_t pos = 0;
    int n = 0;

    if (!json_object_is_type(j, json_type_object))
        return false;
    if (!same_names_are_whole(v))
        return true;
    for (; scan_next_member(v, &pos, &member); n++) {
        struct same_text name = same_decode(member.name);
        struct json_object *other = NULL;
        bool there = json_object_object_get_ex(j, name.p, &other);

        free(name.p);
        if (!there || !same_value(member.value, other))
            return false;
    }
    return n == json_object_object_length(j);
}

static inline bool same_value(struct scan_value v, struct json_object *j)
{
    switch (v.type) {
    case SCAN_OBJECT:
        return same_object(v, j);
    case SCAN_ARRAY:
        return same_array(v, j);
    case SCAN_STRING:
        return same_string(v, j);
    case SCAN_NUMBER:
        return same_number(v, j);
    case SCAN_TRUE:
    case SCAN_FALSE:
        return json_object_is_type(j, json_type_boolean) &&
               json_object_get_boolean(j) == (v.type == SCAN_TRUE);
    case SCAN_NULL:
        return j == NULL;
    }
    return false;
}

/* Parses doc with the NUL behind it, which json-c needs after a number that is the whole text.
 */
static inline enum json_tokener_error same_parse(struct slice doc, int flags,
                                                 struct json_object **ret)
{
    struct json_tokener *tokener = json_tokener_new_ex(SCAN_DEPTH + 1);
    char *text = malloc(doc.n + 1);
    enum json_tokener_error err;

    if (!tokener || !text)
        abort();
    memcpy(text, doc.p, doc.n);
    text[doc.n] = '\0';
    json_tokener_set_flags(tokener, flags);
    *ret = json_tokener_parse_ex(tokener, text, (int)doc.n + 1);
    err = json_tokener_get_error(tokener);
    json_tokener_free(tokener);
    free(text);
    return err;
}

/* Strict json-c refuses valid JSON: from 0.17 on integers of more than 64 bits (with parse_eof
 * where it is the whole document), in 0.18 every character outside ASCII. */
static inline bool same_is_refused_by_strict(struct slice doc, enum json_tokener_error err)
{
    if (err == json_tokener_error_parse_number || err == json_tokener_error_parse_eof)
        return true;
    for (size_t i = 0; i < doc.n; i++) {
        if ((unsigned char)doc.p[i] > 0x7f)
            return err != json_tokener_success;
    }
    return false;
}

/* doc was accepted by scan_document(), which yielded v. Returns what differs, or NULL. */
static inline const char *same_as_json_c(struct slice doc, struct scan_value v)
{
    const char *differs = NULL;
    struct json_object *j;
    enum json_tokener_error err = same_parse(doc, JSON_TOKENER_STRICT, &j);

    if (same_is_refused_by_strict(doc, err))
        err = same_parse(doc, 0, &j);
    if (err != json_tokener_success)
        differs = json_tokener_error_desc(err);
    else if (!same_value(v, j))
        differs = "another value";
    json_object_put(j);
    return differs;
}
