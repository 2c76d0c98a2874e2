#include "jwtd/issuer/request.h"

#include "common/base/base64url.h"
#include "jwtd/shared/json_build.h"
#include "jwtd/shared/log_limit.h"
#include "jwtd/shared/messages.h"

#include <string.h>

void request_copy_text(const struct issuer_request *r, size_t n, char *ret, size_t size)
{
    struct slice from = request_text(r, n);
    size_t len = from.n < size ? from.n : size - 1;

    memcpy(ret, from.p, len);
    ret[len] = '\0';
}

void request_named_text(const struct issuer_request *r, const char *name, char *ret,
                        size_t size)
{
    const struct wire_request *q = r->message.request;

    ret[0] = '\0';
    for (size_t i = 0; i < q->n_fields; i++)
        if (strcmp(q->fields[i].name, name) == 0)
            request_copy_text(r, i, ret, size);
}

enum wire_status request_reply(struct issuer_request *r, const union wire_value *values)
{
    uint8_t buf[WIRE_MESSAGE_MAX] UNINITIALIZED;
    enum wire_status status = WIRE_OK;
    size_t n = 0;

    secret_clear(&r->answer);
    if (wire_pack_answer(r->message.request, WIRE_OK, values, buf, &n) != WIRE_FINE) {
        LOG(LOG_ERR, MESSAGE_WIRE, "Answer exceeds the size limits of its request",
            {"question", r->message.request->name});
        status = WIRE_UNAVAILABLE;
    } else if (secret_copy((struct slice){(const char *)buf, n}, &r->answer) != TOK_OK) {
        status = WIRE_UNAVAILABLE;
    }
    secret_wipe(buf, sizeof(buf));
    return status;
}

enum wire_status request_reply_text(struct issuer_request *r, struct slice text)
{
    return request_reply(r, &(union wire_value){.text = text});
}

enum wire_status request_reply_json(struct issuer_request *r, struct json_object *json)
{
    enum wire_status status = WIRE_UNAVAILABLE;
    size_t n = 0;
    const char *text = json ? json_compact(json, &n) : NULL;

    if (text)
        status = request_reply_text(r, (struct slice){text, n});
    json_object_put(json);
    return status;
}

void request_set_event(struct issuer_request *r, int priority, const char *id,
                       const char *message)
{
    struct request_event *e = &r->event;

    *e = (struct request_event){.priority = priority, .id = id, .message = message};
    if (!r->token.authentic)
        return;
    memcpy(e->user, r->token.user, sizeof(e->user));
    memcpy(e->sid, r->token.sid_text, sizeof(e->sid));
}

void request_write_id(const uint8_t id[ISSUE_ID_BYTES], char ret[ISSUE_ID_LEN + 1])
{
    base64url_encode((struct slice){(const char *)id, ISSUE_ID_BYTES}, ret);
    ret[ISSUE_ID_LEN] = '\0';
}

void request_set_refusal(struct issuer_request *r, enum wire_status status)
{
    const struct subject_token *subject = &r->subject; /* empty but in an exchange */

    if (!r->type->refused || r->event.id)
        return;
    request_set_event(r, LOG_NOTICE,
                      r->type->exchanges ? MESSAGE_EXCHANGE_DENIED : MESSAGE_REFRESH_DENIED,
                      r->type->refused);
    r->event.reason = subject->errmsg.text[0] ? subject->errmsg.text : wire_status_word(status);
    r->event.issuer = subject->issuer[0] ? subject->issuer : NULL;
}

void request_log_event(const struct issuer_request *r, struct log_limit *limit)
{
    const struct request_event *e = &r->event;
    char source[WIRE_SOURCE_MAX + 1];
    struct limited_event event;

    if (!e->id)
        return;
    request_named_text(r, "source", source, sizeof(source));
    /* Refusals are counted by their source, what a user may do by the user. */
    event = (struct limited_event){e->priority,
                                   e->id,
                                   e->message,
                                   e->priority == LOG_INFO ? e->user : source,
                                   {{"user", e->user[0] ? e->user : NULL},
                                    {"source", source[0] ? source : NULL},
                                    {"sid", e->sid[0] ? e->sid : NULL},
                                    {"jti", e->jti[0] ? e->jti : NULL},
                                    {"issuer", e->issuer},
                                    {"reason", e->reason}}};
    if (limit)
        log_limit_write(limit, &event, service_monotonic());
    else
        log_event(event.priority, event.message_id, event.message, event.fields);
}
