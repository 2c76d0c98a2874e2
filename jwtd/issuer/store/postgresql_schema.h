/* The tables of a PostgreSQL database, and their version. */
#pragma once

#include "jwtd/issuer/store/sql.h"

/* The statements that create the tables, in their order; NULL ends them. */
extern const char *const postgresql_schema[];

/* The version of the tables; 0: no tables. */
bool postgresql_read_version(struct sql *sql, int64_t *ret);

/* True when the tables are those of this release. */
bool postgresql_check_version(struct sql *sql);
