/* Runs a program and keeps what it prints. */
#pragma once

/* Runs a program without input. Its exit status as waitpid(2) returns it, 0: success. *ret
 * (malloc'ed) is the start of what it printed on both streams. environment NULL: that of this
 * process. */
int capture_output(const char *const argv[], const char *const environment[], char **ret);
