/*
 * Reading a request: bytes into the connection's buffer; when the head is complete, the checks
 * that need the settings (Host, who is behind a proxy); when the request is, its route.
 */
#pragma once

#include "common/base/timespan.h"
#include "jwtd/http/connection.h"

/* The deadline of a request with a body, after the connection was opened. */
#define INTAKE_TIME (10 * SECOND)

/* Reads what has arrived. CONN_WAIT: the request is not complete. */
enum conn_result intake_read(struct connection *c);
