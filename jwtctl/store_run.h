/* What jwtctl lets jwtd-issuer do with its store. */
#pragma once

/* Runs `jwtd-issuer OPTION` as the user jwtd-issuer, for a database with the password that
 * systemd passes to its service. name: a part of the unit's name. As capture_output(). */
int store_run(const char *name, const char *option, char **ret);
