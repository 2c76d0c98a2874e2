/*
 * The host names of this server. A browser that was directed here by DNS rebinding sends a Host
 * that is not among them (Django's ALLOWED_HOSTS). Compared without regard to case or port.
 */
#pragma once

#include "common/base/value.h"

#define HOSTS_NAME_MAX 256

struct hosts {
    char hostname[HOSTS_NAME_MAX]; /* of this machine; "": unknown */
    char issuer[HOSTS_NAME_MAX];   /* host of the issuer's URL; "": unknown */
    char issuer_url[VALUE_NAME_MAX + 1];
    char *const *allowed; /* AllowedHosts; NULL: none */
};

/* The host of "https://HOST[:PORT][/PATH]". False when it is not a valid Host. */
bool hosts_of_url(const char *url, char ret[HOSTS_NAME_MAX]);

/* name: of a Host field, without its port. */
bool hosts_allow(const struct hosts *hosts, struct slice name);
