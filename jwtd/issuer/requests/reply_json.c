#include "jwtd/issuer/requests/reply_json.h"

bool reply_json_add(struct json_object *to, const char *name, struct json_object *value)
{
    if (value && (name ? json_object_object_add(to, name, value)
                       : json_object_array_add(to, value)) == 0)
        return true;
    json_object_put(value);
    return false;
}

bool reply_json_add_string(struct json_object *to, const char *name, struct slice value)
{
    return reply_json_add(to, name, json_object_new_string_len(value.p, (int)value.n));
}

bool reply_json_add_number(struct json_object *to, const char *name, int64_t value)
{
    return reply_json_add(to, name, json_object_new_int64(value));
}

struct slice reply_json_text(struct json_object *json)
{
    size_t n = 0;
    const char *text = json_object_to_json_string_length(
        json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &n);

    return (struct slice){text ? text : "", text ? n : 0};
}
