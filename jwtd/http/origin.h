/*
 * Origins (RFC 6454): the scheme, host and port of the page whose script makes a browser send a
 * request. Pure.
 */
#pragma once

#include "common/base/slice.h"

/* True when the origin is that of a page of this server. host: the Host field, with its port; a
 * proxy terminates TLS, so the scheme is not known, and a Host without a port stands for the
 * default port of either scheme. issuer: the URL of the issuer, whose scheme, host and port are
 * all compared; it may be empty. */
bool origin_is_own(struct slice origin, struct slice host, struct slice issuer);
