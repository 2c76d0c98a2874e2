#include "jwtctl/json_c.h"

#include "common/base/text.h"
#include "common/json/json.h"
#include "jwtctl/output.h"
#include "jwtctl/safe_text.h"

#include <limits.h>
#include <stdio.h>

#define WRITE_FLAGS (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

DEFINE_CLEANUP(struct json_tokener *, cleanup_tokener, json_tokener_free)

enum tok_err json_read(struct slice text, struct json_object **ret)
{
    CLEANUP(cleanup_tokener) struct json_tokener *tokener = NULL;
    struct scan_value value;
    struct json_object *read;
    enum tok_err err = scan_document(text, &value, NULL);

    if (err)
        return err;
    if ((value.type != SCAN_OBJECT && value.type != SCAN_ARRAY) || value.text.n > INT_MAX)
        return TOK_JSON;
    tokener = json_tokener_new_ex(SCAN_DEPTH + 1);
    if (!tokener)
        out_of_memory();
    /* Not JSON_TOKENER_STRICT: json-c 0.18 refuses every character outside ASCII under it, and
     * scan_document() is stricter. */
    read = json_tokener_parse_ex(tokener, value.text.p, (int)value.text.n);
    if (!read)
        return TOK_JSON;
    *ret = read;
    return TOK_OK;
}

struct json_object *json_member(struct json_object *object, const char *name)
{
    struct json_object *member = NULL;

    (void)json_object_object_get_ex(object, name, &member);
    return member;
}

const char *json_text(struct json_object *value)
{
    const char *text;

    if (!json_object_is_type(value, json_type_string))
        return NULL;
    text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

const char *json_member_text(struct json_object *object, const char *name)
{
    return json_text(json_member(object, name));
}

bool json_member_secret(struct json_object *object, const char *name, struct secret *ret)
{
    const char *text = json_member_text(object, name);

    if (!text)
        return false;
    secret_clear(ret);
    if (secret_copy(slice_of(text), ret) != TOK_OK)
        out_of_memory();
    return true;
}

/* A number beyond 64 bits is the nearest one that json-c has, and so beyond the range too. */
bool json_member_integer(struct json_object *object, const char *name, int64_t *ret)
{
    struct json_object *member = json_member(object, name);
    int64_t value;

    if (!json_object_is_type(member, json_type_int))
        return false;
    value = json_object_get_int64(member);
    if (value < -SCAN_INTEGER_MAX || value > SCAN_INTEGER_MAX)
        return false;
    *ret = value;
    return true;
}

size_t json_length(struct json_object *array)
{
    return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

static struct json_object *check_made(struct json_object *made)
{
    if (!made)
        out_of_memory();
    return made;
}

struct json_object *json_new_object(void)
{
    return check_made(json_object_new_object());
}

struct json_object *json_new_array(void)
{
    return check_made(json_object_new_array());
}

void json_add(struct json_object *to, const char *name, struct json_object *value)
{
    if (json_object_object_add(to, name, value) != 0)
        out_of_memory();
}

void json_add_string(struct json_object *to, const char *name, struct slice value)
{
    json_add(to, name,
             value.p ? check_made(json_object_new_string_len(value.p, (int)value.n)) : NULL);
}

void json_add_integer(struct json_object *to, const char *name, int64_t value)
{
    json_add(to, name, check_made(json_object_new_int64(value)));
}

void json_add_bool(struct json_object *to, const char *name, bool value)
{
    json_add(to, name, check_made(json_object_new_boolean(value)));
}

void json_append(struct json_object *array, struct json_object *element)
{
    if (json_object_array_add(array, element) != 0)
        out_of_memory();
}

/* json.n + 1 bytes, malloc'ed. */
static char *without_space(struct slice json)
{
    char *text = malloc(json.n + 1), *end = text;
    bool in_string = false;

    if (!text)
        out_of_memory();
    for (size_t i = 0; i < json.n; i++) {
        if (in_string && json.p[i] == '\\')
            *end++ = json.p[i++];
        else if (json.p[i] == '"')
            in_string = !in_string;
        if (in_string || !text_is_space(json.p[i]))
            *end++ = json.p[i];
    }
    *end = '\0';
    return text;
}

void json_add_verbatim(struct json_object *to, const char *name, struct slice json)
{
    struct json_object *value = json.p ? json_new_object() : NULL;

    if (value)
        json_object_set_serializer(value, json_object_userdata_to_json_string,
                                   without_space(json), json_object_free_userdata);
    json_add(to, name, value);
}

struct slice json_write(struct json_object *object)
{
    size_t n = 0;
    const char *text = json_object_to_json_string_length(object, WRITE_FLAGS, &n);

    if (!text)
        out_of_memory();
    return (struct slice){text, n};
}

void json_print(struct json_object *object)
{
    safe_text_print_json(stdout, json_write(object));
    putchar('\n');
}
