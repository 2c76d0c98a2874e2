#include "jwtctl/client.h"

#include "common/base/cleanup.h"
#include "common/json/json.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <string.h>

#define REPLY_MAX ((size_t)2 << 20) /* bytes; a list of sessions is under 1 MiB and a bit */

DEFINE_CLEANUP(CURL *, cleanup_curl, curl_easy_cleanup)
DEFINE_CLEANUP(CURLU *, cleanup_url, curl_url_cleanup)

/* A header may hold a token. */
static void cleanup_slist(struct curl_slist **list)
{
    for (struct curl_slist *l = *list; l; l = l->next)
        secret_wipe(l->data, strlen(l->data));
    curl_slist_free_all(*list);
}

static void cleanup_curl_text(char **p)
{
    curl_free(*p);
}

void client_reply_clear(struct client_reply *r)
{
    text_clear(&r->body);
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

enum tok_err client_check_server(const char *server, struct errmsg *errmsg)
{
    CLEANUP(cleanup_url) CURLU *url = NULL;
    CLEANUP(cleanup_curl_text) char *scheme = NULL;
    CLEANUP(cleanup_curl_text) char *host = NULL;

    if (is_socket(server))
        return TOK_OK;
    url = curl_url();
    if (!url || curl_url_set(url, CURLUPART_URL, server, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "'%s' is no server: allowed is an https URL or the path of a socket",
                          server);
    /* A password in a URL is a password in argv. */
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD) ||
        has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        return errmsg_set(errmsg, TOK_SETTINGS,
                          "the server's URL holds a user, a query or a fragment; allowed is "
                          "https://HOST[:PORT][/PATH]");
    if (strcmp(scheme, "http") == 0 && !is_loopback(host))
        return errmsg_set(
            errmsg, TOK_SETTINGS,
            "'%s': the password would travel in clear; allowed is https, and http "
            "to localhost, 127.0.0.1 and [::1]",
            server);
    return TOK_OK;
}

static size_t take_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct text *body = arg;

    if (size * n > REPLY_MAX - body->n)
        return 0;
    text_add(body, (struct slice){bytes, size * n});
    return body->failed ? 0 : size * n;
}

/* Everything but what differs by server. False on a failed option, which is out of memory. */
static bool set_options(CURL *curl, struct curl_slist *headers, struct client_reply *reply,
                        char *error)
{
    return !curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error) &&
           !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) &&
           !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") &&
           !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) &&
           !curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) &&
           !curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
           !curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)CLIENT_SECONDS) &&
           !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L) &&
           !curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) &&
           !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) &&
           !curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
}

static bool set_server(CURL *curl, const char *server, const char *path)
{
    CLEANUP(cleanup_free) char *url = NULL;
    size_t n = strlen(server);

    /* A path ends where the API's begins. */
    while (n > 0 && server[n - 1] == '/')
        n--;
    if (asprintf(&url, "%.*s%s", is_socket(server) ? 16 : (int)n,
                 is_socket(server) ? "http://localhost" : server, path) < 0) {
        url = NULL;
        return false;
    }
    if (curl_easy_setopt(curl, CURLOPT_URL, url))
        return false;
    if (is_socket(server) && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, server))
        return false;
    /* A proxy would see what plain http carries; https goes through one as a tunnel. */
    return strncmp(server, "https:", 6) == 0 || !curl_easy_setopt(curl, CURLOPT_PROXY, "");
}

/* False on a failed option. A POST without a body has an empty one. */
static bool set_body(CURL *curl, const struct client_request *request)
{
    const struct text *body = request->body;

    if (strcmp(request->method, "POST") != 0)
        return true;
    return !curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body->room.p : "") &&
           !curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, body ? (long)body->n : 0L);
}

static bool add_header(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer)
        *list = longer;
    return longer != NULL;
}

static bool add_bearer(struct curl_slist **list, const struct secret *token)
{
    CLEANUP(text_clear) struct text line = {0};

    text_puts(&line, "Authorization: Bearer ");
    text_add(&line, secret_slice(token));
    text_add(&line, (struct slice){"", 1});
    return text_err(&line) == TOK_OK && add_header(list, line.room.p);
}

static bool make_headers(const struct client_request *request, struct curl_slist **list)
{
    return add_header(list, "Accept: application/json") && add_header(list, "Expect:") &&
           (!request->body || add_header(list, "Content-Type: application/json")) &&
           (!request->bearer || add_bearer(list, request->bearer));
}

static enum tok_err out_of_reach(CURL *curl, CURLcode code, const char *server,
                                 const char *error, struct errmsg *errmsg)
{
    long number = 0;

    (void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return errmsg_set(errmsg, TOK_FILE, "%s: no answer within %d s", server,
                          CLIENT_SECONDS);
    if (!is_socket(server))
        return errmsg_set(errmsg, TOK_FILE, "%s: %s", server,
                          error[0] ? error : curl_easy_strerror(code));
    if (code == CURLE_COULDNT_CONNECT)
        return errmsg_set(errmsg, TOK_FILE,
                          "jwtd does not answer at %s (%s); as root: systemctl enable --now "
                          "jwtd.socket",
                          server, number ? strerror((int)number) : "can't connect");
    return errmsg_set(errmsg, TOK_FILE, "jwtd at %s broke off: %s", server,
                      curl_easy_strerror(code));
}

enum tok_err client_ask(const char *server, const struct client_request *request,
                        struct client_reply *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_slist) struct curl_slist *headers = NULL;
    CLEANUP(client_reply_clear) struct client_reply reply = {0};
    CLEANUP(cleanup_curl) CURL *curl = NULL;
    char error[CURL_ERROR_SIZE] = "";
    curl_off_t retry = 0;
    CURLcode code;
    enum tok_err err;

    err = client_check_server(server, errmsg);
    if (err)
        return err;
    curl = curl_easy_init();
    if (!curl || (request->body && text_err(request->body)) ||
        !make_headers(request, &headers) || !set_options(curl, headers, &reply, error) ||
        !set_body(curl, request) || !set_server(curl, server, request->path))
        return errmsg_set(errmsg, TOK_NO_MEMORY, "out of memory");
    code = curl_easy_perform(curl);
    if (code)
        return out_of_reach(curl, code, server, error, errmsg);
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
    (void)curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry);
    reply.retry_after = retry;
    *ret = reply;
    reply = (struct client_reply){0};
    return TOK_OK;
}

/* DRF's words: {"detail":"..."}, or of the first wrong field {"aud":["..."]}. */
static enum tok_err read_refusal(struct slice body, struct text *ret)
{
    CLEANUP(secret_clear) struct secret room = {0};
    struct scan_value doc, value;
    struct scan_member member;
    size_t pos = 0, element = 0, n = 0;

    if (scan_document(body, &doc, NULL) != TOK_OK || doc.type != SCAN_OBJECT ||
        !scan_next_member(doc, &pos, &member))
        return TOK_JSON;
    value = member.value;
    if (value.type == SCAN_ARRAY && !scan_next_element(member.value, &element, &value))
        return TOK_JSON;
    if (secret_alloc(value.text.n, &room) != TOK_OK ||
        scan_string(value, room.p, room.n, &n) != TOK_OK)
        return TOK_JSON;
    if (!member.name.escaped && !scan_string_is(member.name, SLICE("detail")) &&
        !scan_string_is(member.name, SLICE("non_field_errors"))) {
        text_add(ret, scan_string_raw(member.name));
        text_puts(ret, ": ");
    }
    text_add(ret, (struct slice){room.p, n});
    text_add(ret, (struct slice){"", 1});
    return text_err(ret);
}

enum tok_err client_refused(const char *server, const struct client_reply *r,
                            struct errmsg *errmsg)
{
    CLEANUP(text_clear) struct text said = {0};
    const char *text = "no more is said";

    if (r->status == 429)
        return errmsg_set(errmsg, TOK_FILE,
                          "too many wrong passwords: try again in %" PRId64 " s",
                          r->retry_after > 0 ? r->retry_after : 60);
    if (read_refusal(text_slice(&r->body), &said) == TOK_OK)
        text = said.room.p;
    if (r->status == 503)
        return errmsg_set(
            errmsg, TOK_FILE,
            "jwtd at %s can't answer now (%s); the cause is in: journalctl -u jwtd "
            "-u jwtd-issuer -u jwtd-login",
            server, text);
    return errmsg_set(errmsg, TOK_FILE, "%s answered with status %ld: %s", server, r->status,
                      text);
}
