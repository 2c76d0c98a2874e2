/*
 * Reading a request: bytes into the connection's buffer; when the head is complete, the checks
 * that need the settings (Host, who is behind a proxy); when the request is, its route.
 */
#pragma once

#include "jwtd/http/connection.h"

/* Reads what has arrived. CONN_WAIT: the request is not complete. */
enum conn_result intake_read(struct connection *c);
