/*
 * JSON in answers, by json-c: compact, members in the order they were added, '/' not escaped.
 */
#pragma once

#include "common/base/slice.h"

#include <json-c/json.h>

static inline void cleanup_json(struct json_object **json)
{
    json_object_put(*json);
}

/* Adds a member or, with name NULL, an element; owns value. False: no memory, also when value
 * is NULL. */
bool reply_json_add(struct json_object *to, const char *name, struct json_object *value);
bool reply_json_add_string(struct json_object *to, const char *name, struct slice value);
bool reply_json_add_number(struct json_object *to, const char *name, int64_t value);

/* Lives until the object is changed or freed. Empty: no memory. */
struct slice reply_json_text(struct json_object *json);
