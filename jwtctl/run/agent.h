/*
 * The agent of `jwtctl run --forward`, and its client on the far host. The agent listens on a
 * Unix socket that ssh forwards from one far host. It makes one kind of token: for one sudo of
 * the session's user on that host, within a minute. Everything that can open the far socket,
 * such as root there, gets that; a client sends one fixed line, and nothing else is read.
 */
#pragma once

#include "common/base/secret.h"
#include "jwtctl/run/asker.h"

struct agent {
    int listener;
    int parent;          /* a struct process starts the service; its end ends it */
    const char *confirm; /* program that asks the user before each token; NULL: none */
};

/* Serves one client at a time until the other end of `parent` is closed. */
void agent_serve(const struct agent *a);

/* On the far host: a token from the agent. Errors come with a message; TOK_MISSING, without
 * one: no agent is forwarded to this host. *ret must be empty. */
enum tok_err agent_ask(struct secret *ret, struct errmsg *errmsg) MUST_CHECK;
