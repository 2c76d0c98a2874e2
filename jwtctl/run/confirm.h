/*
 * The question of `jwtctl run --confirm`, which a graphical program asks.
 */
#pragma once

#include "jwtctl/run/record.h"

/* True when the user has allowed sudo on the host of this ssh. The program has no terminal: ssh
 * uses it. It is asked as ssh-agent asks it (SSH_ASKPASS_PROMPT=confirm): the answer is yes
 * when its exit status is 0 and it prints nothing or "yes". It is ended after a minute, or when
 * the other end of `parent` is closed. */
bool confirm_sudo(const char *program, const struct record *ssh, int parent);
