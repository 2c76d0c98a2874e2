/* libcurl as the fetchers use it: TLS verified with the authorities of the host, no redirects,
 * no credentials. */
#pragma once

#include "common/base/cleanup.h"

#include <curl/curl.h>
#include <stdbool.h>

/* To connect; and how long a transfer may be slower than these bytes a second. */
#define HTTP_SECONDS 10L
#define HTTP_SLOWEST 1000L
/* Then the name is looked up, and the certificate verified with the authorities of then. */
#define HTTP_CONNECTION_SECONDS 3600L

DEFINE_CLEANUP(CURL *, cleanup_curl, curl_easy_cleanup)

/* protocols: "https". The message of a failed transfer is written to error, which must outlive
 * the handle. NULL: no memory. */
CURL *http_open(const char *protocols, char error[CURL_ERROR_SIZE]);

/* The URL of a path below a base URL, whose final slashes do not count; malloc'ed. NULL: no
 * memory. */
char *http_url(const char *base, const char *path);
