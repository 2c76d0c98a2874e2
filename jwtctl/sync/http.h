/* libcurl as the fetchers use it: TLS verified with the authorities of the host, no redirects,
 * no credentials. */
#pragma once

#include "common/base/cleanup.h"

#include <curl/curl.h>
#include <stdbool.h>

/* To connect; and how long a transfer may be slower than these bytes a second. */
#define HTTP_SECONDS 10L
#define HTTP_SLOWEST 1000L

DEFINE_CLEANUP(CURL *, cleanup_curl, curl_easy_cleanup)

/* protocols: "https". The message of a failed transfer is written to error, which must outlive
 * the handle. NULL: no memory. */
CURL *http_open(const char *protocols, char error[CURL_ERROR_SIZE]);
