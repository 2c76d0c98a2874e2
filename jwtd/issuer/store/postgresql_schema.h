/* The statements that create the tables of a PostgreSQL database, in their order; NULL ends
 * them. */
#pragma once

extern const char *const postgresql_schema[];
