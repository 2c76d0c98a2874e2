/*
 * The one table of settings: section, key, field. Adding a setting is adding a
 * row here and a member to struct settings.
 */
#pragma once

#include "field.h"
#include "settings.h"

struct settings_row {
    const char *section, *key;
    bool unset; /* the default is NULL; its text only tells a person */
    struct field field;
};

/* NULL past the last. */
const struct settings_row *settings_row_at(size_t i);
#define SETTINGS_ROWS_MAX 64
