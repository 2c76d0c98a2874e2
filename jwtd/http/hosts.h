/*
 * The names of this server. A browser that was directed here by DNS rebinding sends a Host that
 * is not among them (Django's ALLOWED_HOSTS), and a page of another server an Origin (RFC 6454:
 * scheme, host and port) that is not one of them. Host names are compared without regard to
 * case. Pure.
 */
#pragma once

#include "common/base/value.h"

#define HOSTS_NAME_MAX 256

struct hosts {
    char hostname[HOSTS_NAME_MAX];   /* of this machine; "": unknown */
    char issuer[VALUE_NAME_MAX + 1]; /* URL of the issuer; "": unknown */
    char *const *allowed;            /* AllowedHosts; NULL: none */
};

/* name: of a Host field, without its port. */
bool hosts_allow(const struct hosts *hosts, struct slice name);

/* True when the origin is that of a page of this server: of this Host field, with its port, or
 * of the issuer. A proxy terminates TLS, so the scheme is not known, and a Host without a port
 * stands for the default port of either scheme. Of the issuer, all three are compared. */
bool hosts_is_own_origin(const struct hosts *hosts, struct slice origin, struct slice host);
