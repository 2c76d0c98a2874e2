#include "jwtd/shared/json_build.h"

#include <limits.h>

struct json_object *json_string(struct slice text)
{
    return text.n <= INT_MAX ? json_object_new_string_len(text.n > 0 ? text.p : "", (int)text.n)
                             : NULL;
}

struct json_object *json_with(struct json_object *container, const char *name,
                              struct json_object *value)
{
    if (container && value &&
        (name ? json_object_object_add(container, name, value)
              : json_object_array_add(container, value)) == 0)
        return container;
    json_object_put(value);
    json_object_put(container);
    return NULL;
}

struct json_object *json_of(struct slice text)
{
    struct json_tokener *tokener = text.n <= INT_MAX ? json_tokener_new() : NULL;
    struct json_object *object = NULL;

    if (tokener)
        object = json_tokener_parse_ex(tokener, text.p, (int)text.n);
    if (tokener)
        json_tokener_free(tokener);
    return object;
}

const char *json_compact(struct json_object *object, size_t *ret_n)
{
    return json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, ret_n);
}
