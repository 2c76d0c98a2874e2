/* The log, taken over for libpam and every module in the process, where a harness links this.
 */
#pragma once

/* The harness's own: each line as it would have been written. */
void fuzz_log(const char *line);
