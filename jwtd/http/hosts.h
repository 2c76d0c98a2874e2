/*
 * The names this server answers to. A browser that was lured here by DNS rebinding sends a Host
 * that is none of them (Django's ALLOWED_HOSTS). Compared without regard to case; the port does
 * not matter.
 */
#pragma once

#include "common/base/slice.h"

#define HOSTS_NAME_MAX 256

struct hosts {
    char hostname[HOSTS_NAME_MAX]; /* of this machine; "": not known */
    char issuer[HOSTS_NAME_MAX];   /* the host of the Issuer's URL; "": not known */
    char *const *allowed;          /* AllowedHosts; NULL: none */
};

/* The host of "https://HOST[:PORT][/PATH]"; false when the URL has none that could be sent. */
bool hosts_of_url(const char *url, char ret[HOSTS_NAME_MAX]);

/* name: of a Host field, without its port. */
bool hosts_allow(const struct hosts *hosts, struct slice name);
