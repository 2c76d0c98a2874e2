/*
 * The names under which this program is installed for ssh and sudo, which start a program and
 * not a command of one. Each returns the exit status.
 */
#pragma once

/* askpass PROMPT: the password program of ssh and sudo. Prints the answer. */
int program_askpass(int argc, char **argv);

/* hostkey FINGERPRINT HOST NAME PORT USER CALL: the KnownHostsCommand of ssh. Records the host
 * key that the server presented, under ssh's process. Prints nothing and returns 0 always: ssh
 * closes the connection after any other status. */
int program_hostkey(int argc, char **argv);

/* ssh, scp, sftp: start the programs of the same names with hostkey as KnownHostsCommand. sudo:
 * starts sudo with -A, unless its arguments say how to ask. */
int program_wrapper(int argc, char **argv);
