/*
 * `jwtctl run --forward -- ssh ...`: a login whose sudo -A on the far host gets tokens from an
 * agent on this host. ssh forwards the agent's socket; nothing else is changed there.
 */
#pragma once

/* argv[0] is "ssh". The program `confirm` asks before each token; NULL: none. Returns the exit
 * status of ssh. */
int forward_run(int argc, char **argv, const char *confirm);
