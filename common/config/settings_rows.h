/*
 * The one table of settings: section, key, setting. Adding one is adding a
 * row here and a member to struct settings.
 */
#pragma once

#include "common/config/setting.h"
#include "common/config/settings.h"

struct settings_row {
    const char *section, *key;
    bool unset; /* the default is NULL; its text only tells a person */
    struct setting setting;
};

/* NULL past the last. */
const struct settings_row *settings_row_at(size_t i);
#define SETTINGS_ROWS_MAX 64
