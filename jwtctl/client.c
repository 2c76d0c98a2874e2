#include "jwtctl/client.h"

#include "common/base/text.h"
#include "jwtctl/output.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REPLY_MAX ((size_t)2 << 20) /* bytes; lists of sessions stay below */

DEFINE_CLEANUP(CURL *, cleanup_curl, curl_easy_cleanup)
DEFINE_CLEANUP(CURLU *, cleanup_url, curl_url_cleanup)
DEFINE_CLEANUP(struct curl_slist *, cleanup_slist, curl_slist_free_all)

/* A request on its way. */
struct transfer {
    CURL *curl;
    curl_socket_t fd;
};

static void cleanup_curl_text(char **p)
{
    curl_free(*p);
}

void client_reply_clear(struct client_reply *r)
{
    json_object_put(r->body);
    *r = (struct client_reply){0};
}

static bool is_socket(const char *server)
{
    return server[0] == '/';
}

static bool has_part(CURLU *url, CURLUPart part)
{
    CLEANUP(cleanup_curl_text) char *text = NULL;

    return curl_url_get(url, part, &text, 0) == CURLUE_OK;
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "[::1]") == 0;
}

/* *ret stays NULL for a Unix socket. */
static enum tok_err read_server(const char *server, CURLU **ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_curl_text) char *scheme = NULL;
    CLEANUP(cleanup_curl_text) char *host = NULL;
    CURLU *url;

    if (is_socket(server))
        return TOK_OK;
    *ret = url = curl_url();
    if (!url || curl_url_set(url, CURLUPART_URL, server, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "'%s': expected an https URL or the absolute path of a Unix socket",
                          server);
    /* Other users can read the arguments of a process. */
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) ||
        has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "the URL has a user name, password, query or fragment; expected "
                          "https://HOST[:PORT][/PATH]");
    if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "'%s': http would send the password unencrypted; expected https "
                          "(http is accepted for localhost, 127.0.0.1 and [::1])",
                          server);
    return TOK_OK;
}

enum tok_err client_check_server(const char *server, struct errmsg *errmsg)
{
    CLEANUP(cleanup_url) CURLU *url = NULL;

    return read_server(server, &url, errmsg);
}

enum tok_err client_same_server(const char *server, struct secret *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_url) CURLU *url = NULL;
    CLEANUP(cleanup_curl_text) char *text = NULL;
    enum tok_err err = read_server(server, &url, errmsg);

    if (err)
        return err;
    if (url && curl_url_get(url, CURLUPART_URL, &text, CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
        out_of_memory();
    if (secret_copy(slice_of(text ? text : server), ret) != TOK_OK)
        out_of_memory();
    if (!url)
        return TOK_OK;
    for (char *host = strstr(ret->p, "://") + 3; *host && *host != '/'; host++)
        *host = text_lower(*host);
    while (ret->p[ret->n - 1] == '/')
        ret->p[--ret->n] = '\0';
    return TOK_OK;
}

/* libcurl ends the transfer when less than all is taken. */
static size_t receive(char *bytes, size_t size, size_t n, void *arg)
{
    return size * n > REPLY_MAX - (size_t)ftell(arg) ? 0 : fwrite(bytes, size, n, arg);
}

static int note_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    struct transfer *t = arg;

    t->fd = fd;
    return CURL_SOCKOPT_OK;
}

/* Called at least once a second. Ends the transfer when jwtd has not read the request. */
static int on_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    const struct transfer *t = arg;
    curl_off_t usec = 0;
    int unread = 0;

    (void)curl_easy_getinfo(t->curl, CURLINFO_TOTAL_TIME_T, &usec);
    return usec >= CLIENT_SECONDS * INT64_C(1000000) && ioctl(t->fd, SIOCOUTQ, &unread) == 0 &&
           unread > 0;
}

static bool set_limits(CURL *curl, int seconds, struct transfer *transfer)
{
    return !curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds) &&
           !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CLIENT_SECONDS) &&
           !curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, note_socket) &&
           !curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, transfer) &&
           !curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L) &&
           !curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress) &&
           !curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
}

/* "jwtctl/0.2 (laptop)": the list of sessions shows both. */
static void name_client(char *ret, size_t size)
{
    char host[HOST_NAME_MAX + 1] = "";

    (void)gethostname(host, sizeof(host) - 1);
    for (char *c = host; *c; c++)
        *c = text_is_alnum(*c) || strchr(".-_", *c) ? *c : '?';
    (void)snprintf(ret, size, "jwtctl/" JWT_VERSION "%s%s%s", host[0] ? " (" : "", host,
                   host[0] ? ")" : "");
}

/* The options of every request. False when out of memory, here and below. */
static bool set_options(CURL *curl, FILE *received, char *error)
{
    char agent[sizeof("jwtctl/" JWT_VERSION " ()") + HOST_NAME_MAX];

    name_client(agent, sizeof(agent));
    return !curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) &&
           !curl_easy_setopt(curl, CURLOPT_USERAGENT, agent) &&
           !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) &&
           !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") &&
           !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) &&
           !curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           !curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive) &&
           !curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
}

static bool set_server(CURL *curl, const char *server, const char *path)
{
    CLEANUP(cleanup_free) char *url = NULL;
    const char *base = is_socket(server) ? "http://localhost" : server;
    size_t n = strlen(base);

    /* The path begins with a slash. */
    while (n > 0 && base[n - 1] == '/')
        n--;
    if (asprintf(&url, "%.*s%s", (int)n, base, path) < 0) {
        url = NULL;
        return false;
    }
    if (curl_easy_setopt(curl, CURLOPT_URL, url))
        return false;
    if (is_socket(server) && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, server))
        return false;
    /* A proxy could read plain http; https passes through one as a tunnel. */
    return strncmp(server, "https:", 6) == 0 || !curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

/* A POST without a body has an empty one. */
static bool set_body(CURL *curl, const struct client_request *request)
{
    if (strcmp(request->method, "POST") != 0)
        return !curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    return !curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                             request->body.p ? request->body.p : "") &&
           !curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.n);
}

static bool add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool set_headers(CURL *curl, const struct client_request *request,
                        struct curl_slist **list)
{
    if (!add_header(list, "Accept: application/json") || !add_header(list, "Expect:") ||
        (request->body.p && !add_header(list, "Content-Type: application/json")) ||
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *list))
        return false;
    return !request->bearer ||
           (!curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER) &&
            !curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, request->bearer));
}

/* In the order of curl(1). The system's directory of certificates does not count beside a file.
 */
static bool set_cacert(CURL *curl, const char *file)
{
    static const char *const variables[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};

    for (size_t i = 0; !file && i < sizeof(variables) / sizeof(variables[0]); i++) {
        file = getenv(variables[i]);
        if (file && !file[0])
            file = NULL;
    }
    return !file || (!curl_easy_setopt(curl, CURLOPT_CAINFO, file) &&
                     !curl_easy_setopt(curl, CURLOPT_CAPATH, NULL));
}

static int seconds_of(const struct client_request *request)
{
    return request->seconds > 0 ? request->seconds : CLIENT_SECONDS;
}

static enum tok_err client_unreachable(CURL *curl, CURLcode code,
                                       const struct client_request *request, const char *error,
                                       struct errmsg *errmsg)
{
    const char *server = request->server;
    int seconds = seconds_of(request);
    long number = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (is_socket(server) &&
        (code == CURLE_OPERATION_TIMEDOUT || code == CURLE_ABORTED_BY_CALLBACK))
        return errmsg_set(errmsg, TOK_FILE,
                          "no reply from jwtd at %s within %d s; see: journalctl -u jwtd -u "
                          "jwtd-issuer",
                          server, code == CURLE_ABORTED_BY_CALLBACK ? CLIENT_SECONDS : seconds);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return errmsg_set(errmsg, TOK_FILE, "%s: no reply within %d s", server, seconds);
    if (!is_socket(server))
        return errmsg_set(errmsg, TOK_FILE, "%s: %s%s", server,
                          error[0] ? error : curl_easy_strerror(code),
                          code == CURLE_PEER_FAILED_VERIFICATION
                              ? "; to name the certificate authority of the server: jwtctl "
                                "login --cacert=FILE"
                              : "");
    if (code == CURLE_COULDNT_CONNECT)
        return errmsg_set(errmsg, TOK_FILE,
                          "cannot connect to jwtd at %s (%s); to start it, as root: systemctl "
                          "enable --now jwtd.socket",
                          server, number ? strerror((int)number) : "connection failed");
    return errmsg_set(errmsg, TOK_FILE, "connection to jwtd at %s failed: %s", server,
                      curl_easy_strerror(code));
}

enum tok_err client_send(const struct client_request *request, struct client_reply *ret,
                         struct errmsg *errmsg)
{
    CLEANUP(cleanup_slist) struct curl_slist *headers = NULL;
    CLEANUP(cleanup_free) char *text = NULL;
    CLEANUP(cleanup_curl) CURL *curl = NULL;
    char error[CURL_ERROR_SIZE] = "";
    struct transfer transfer = {.fd = CURL_SOCKET_BAD};
    struct client_reply reply = {0};
    curl_off_t retry = 0;
    FILE *received;
    size_t n = 0;
    CURLcode code;
    enum tok_err err;

    err = client_check_server(request->server, errmsg);
    if (err)
        return err;
    curl = transfer.curl = curl_easy_init();
    received = open_memstream(&text, &n);
    if (!curl || !received || !set_options(curl, received, error) ||
        !set_limits(curl, seconds_of(request), &transfer) ||
        !set_server(curl, request->server, request->path) || !set_body(curl, request) ||
        !set_headers(curl, request, &headers) || !set_cacert(curl, request->cacert))
        out_of_memory();
    code = curl_easy_perform(curl);
    if (fclose(received) != 0)
        out_of_memory();
    if (code)
        return client_unreachable(curl, code, request, error, errmsg);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry);
    reply.retry_after = retry;
    if (json_read((struct slice){text, n}, &reply.body) != TOK_OK)
        reply.body = NULL;
    *ret = reply;
    return TOK_OK;
}

/* The message of {"detail":"..."}, or of the first wrong field {"aud":["..."]} with the field's
 * name in front, as Django REST framework writes them. */
static void read_refusal(struct json_object *body, struct errmsg *ret)
{
    const char *name, *message = NULL;

    if (json_object_is_type(body, json_type_object) && json_object_object_length(body) > 0) {
        struct json_object_iterator first = json_object_iter_begin(body);
        struct json_object *value = json_object_iter_peek_value(&first);

        name = json_object_iter_peek_name(&first);
        message =
            json_text(json_length(value) > 0 ? json_object_array_get_idx(value, 0) : value);
    }
    if (!message)
        (void)errmsg_set(ret, TOK_FILE, "no details");
    else if (strcmp(name, "detail") == 0 || strcmp(name, "non_field_errors") == 0)
        (void)errmsg_set(ret, TOK_FILE, "%s", message);
    else
        (void)errmsg_set(ret, TOK_FILE, "%s: %s", name, message);
}

enum tok_err client_refused(const char *server, const struct client_reply *r,
                            struct errmsg *errmsg)
{
    struct errmsg detail;

    read_refusal(r->body, &detail);
    if (r->status == 429)
        return errmsg_set(errmsg, TOK_FILE, "too many logins; try again in %" PRId64 " s",
                          r->retry_after > 0 ? r->retry_after : 60);
    if (r->status == 503)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd at %s is unavailable (%s); see: journalctl -u jwtd -u "
                          "jwtd-issuer -u jwtd-login",
                          server, detail.text);
    return errmsg_set(errmsg, TOK_FILE, "%s replied with status %ld: %s", server, r->status,
                      detail.text);
}
