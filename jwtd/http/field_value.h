/*
 * One field of a body by its kind: what Django REST framework's CharField, ListField,
 * IntegerField and BooleanField would say of a value. Pure; for body.c.
 */
#pragma once

#include "common/json/scan.h"
#include "jwtd/http/body.h"

/* A value of a form. */
void field_value_text(struct body_field *f, struct slice text);

/* A value of JSON. *room: where decoded bytes go, as many at most as the value has; it is moved
 * past them. */
void field_value_json(struct body_field *f, struct scan_value v, char **room);
