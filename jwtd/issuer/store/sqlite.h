/* The SQLite engine: sqlite.c executes statements, sqlite_schema.c opens and migrates the file.
 */
#pragma once

#include "jwtd/issuer/store/sql.h"

#include <sqlite3.h>

struct sqlite {
    sqlite3 *db;
    const char *texts[SQL_MAX];
    sqlite3_stmt *statements[SQL_MAX];
};

/* Opens an existing file. */
bool sqlite_open_file(struct sql *sql, const char *path, int flags);

/* Sets up a connection; migrates the file to the schema of this release. */
bool sqlite_prepare(struct sql *sql, const char *path);

/* Opens the file; creates it, or migrates it to the schema of this release. */
bool sqlite_open(struct sql *sql, const char *path);
