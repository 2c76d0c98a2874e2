/*
 * JSON by json-c. What is read passes the strict scanner of the token core first, because
 * json-c alone accepts duplicate members, bad UTF-8 and more. Written is the compact form
 * without escaped slashes. Out of memory ends the program.
 *
 * json-c does not wipe what it frees: tokens may be in such objects, passwords and private keys
 * never are.
 */
#pragma once

#include "common/base/cleanup.h"
#include "common/base/secret.h"

#include <json-c/json.h>

DEFINE_CLEANUP(struct json_object *, cleanup_json, json_object_put)

/* An object or array. *ret must be freed. TOK_JSON. */
enum tok_err json_read(struct slice text, struct json_object **ret) MUST_CHECK;

/* The member of an object; NULL when it is missing or null. object may be NULL or of another
 * type, here and below. */
struct json_object *json_member(struct json_object *object, const char *name);

/* A string without U+0000; NULL for any other. Lives as long as the object. */
const char *json_text(struct json_object *value);
const char *json_member_text(struct json_object *object, const char *name);

/* Replaces *ret by a copy of a string member. False when it is missing: *ret stays. */
bool json_member_secret(struct json_object *object, const char *name, struct secret *ret);

/* An integer within +-SCAN_INTEGER_MAX (json.h). False for any other value. */
bool json_member_integer(struct json_object *object, const char *name, int64_t *ret);

/* The number of an array's elements; 0 when it is no array. */
size_t json_length(struct json_object *array);

/* Make objects, and add a member. A string whose p is NULL is written as null; an object added
 * to another belongs to that. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
void json_add(struct json_object *to, const char *name, struct json_object *value);
void json_add_string(struct json_object *to, const char *name, struct slice value);
void json_add_integer(struct json_object *to, const char *name, int64_t value);
void json_add_bool(struct json_object *to, const char *name, bool value);
void json_append(struct json_object *array, struct json_object *element);

/* Adds JSON text that the strict scanner has accepted, without its white space: strings and
 * numbers are copied unchanged. p NULL: null. */
void json_add_verbatim(struct json_object *to, const char *name, struct slice json);

/* The object as text; lives as long as the object. */
struct slice json_write(struct json_object *object);

/* Prints it as a line of standard output, with escapes for what is not safe for a terminal
 * (safe_text.h). */
void json_print(struct json_object *object);
