#include "jwtctl/sync/http.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A directory of hashed certificates is read as far as needed, a file with all of them as a
 * whole, which takes most of the time of a connection. */
static bool set_authorities(CURL *curl)
{
    const char *dir = NULL;

    return curl_easy_getinfo(curl, CURLINFO_CAPATH, &dir) || !dir || access(dir, R_OK) != 0 ||
           !curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
}

static bool set_options(CURL *curl, const char *protocols, char error[CURL_ERROR_SIZE])
{
    return !curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) &&
           !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) &&
           !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, protocols) &&
           !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) &&
           !curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           !curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) &&
           !curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) &&
           !curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, HTTP_SECONDS) &&
           !curl_easy_setopt(curl, CURLOPT_MAXLIFETIME_CONN, HTTP_CONNECTION_SECONDS) &&
           !curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, HTTP_SLOWEST) &&
           !curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, HTTP_SECONDS) &&
           !curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           !curl_easy_setopt(curl, CURLOPT_USERAGENT, "jwtctl-sync/" JWT_VERSION) &&
           set_authorities(curl);
}

CURL *http_open(const char *protocols, char error[CURL_ERROR_SIZE])
{
    CURL *curl = curl_easy_init();

    if (curl && set_options(curl, protocols, error))
        return curl;
    curl_easy_cleanup(curl);
    return NULL;
}

char *http_url(const char *base, const char *path)
{
    size_t n = strlen(base);
    char *ret;

    while (n > 0 && base[n - 1] == '/')
        n--;
    return asprintf(&ret, "%.*s%s", (int)n, base, path) < 0 ? NULL : ret;
}
