/*
 * Objects and lists of json-c, built without a check after each step: NULL stands for "out of
 * memory" and is passed on, so that only the end result has to be checked.
 *
 *     object = json_with(object, "detail", json_string(detail));
 *
 * json-c does not wipe what it frees: nothing secret may go into it.
 */
#pragma once

#include "common/base/slice.h"

#include <json.h>

/* A JSON string. The bytes must be UTF-8. */
struct json_object *json_string(struct slice text);

/* The object with one more member, or the list with one more element (name NULL). value is
 * taken over; when either argument is NULL or there is no memory, both are freed and NULL is
 * returned. */
struct json_object *json_with(struct json_object *container, const char *name,
                              struct json_object *value);
#define json_list_with(list, value) json_with(list, NULL, value)

/* Parses an object, list or string that the strict reader (common/json/json.h) has accepted. */
struct json_object *json_of(struct slice text);

/* Compact JSON, '/' not escaped; owned by the object. NULL: out of memory. */
const char *json_compact(struct json_object *object, size_t *ret_n);
