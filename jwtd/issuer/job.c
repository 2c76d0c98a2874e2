#include "jwtd/issuer/job.h"

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/listen.h"
#include "jwtd/shared/messages.h"

#include <string.h>

void job_enlist(struct job *job, struct job_list *list)
{
    TAILQ_INSERT_TAIL(list, job, link);
    job->list = list;
}

void job_delist(struct job *job)
{
    if (job->list)
        TAILQ_REMOVE(job->list, job, link);
    job->list = NULL;
}

void job_copy_text(const struct job *job, size_t n, char *ret, size_t size)
{
    struct slice from = job_text(job, n);
    size_t len = from.n < size ? from.n : size - 1;

    memcpy(ret, from.p, len);
    ret[len] = '\0';
}

void job_say(struct job *job, enum wire_status status, const union wire_value *values)
{
    struct issuer *x = job->issuer;
    size_t n = 0;

    secret_clear(&job->answer);
    job->status = status;
    if (wire_pack_answer(job->request.request, status, values, x->buf, &n) != WIRE_FINE) {
        job->status = WIRE_UNAVAILABLE;
        LOG(LOG_ERR, MESSAGE_WIRE, "An answer does not fit its question",
            {"question", job->request.request->name});
        if (wire_pack_answer(job->request.request, job->status, NULL, x->buf, &n) != WIRE_FINE)
            return;
    }
    if (secret_copy((struct slice){(const char *)x->buf, n}, &job->answer) != TOK_OK)
        job->answer = (struct secret){0};
    secret_wipe(x->buf, n);
}

static void write_event(const struct job *job)
{
    const struct event *e = &job->event;
    char source[WIRE_SOURCE_MAX + 1] = "";
    const struct wire_request *q = job->request.request;

    if (!e->id)
        return;
    for (size_t i = 0; i < q->n_fields; i++) {
        struct slice text = job->request.v[i].text;

        if (strcmp(q->fields[i].name, "source") == 0 && text.n < sizeof(source))
            memcpy(source, text.p, text.n);
    }
    LOG(e->priority, e->id, e->sentence, {"user", e->user[0] ? e->user : NULL},
        {"source", source[0] ? source : NULL}, {"sid", e->sid[0] ? e->sid : NULL},
        {"reason", e->reason});
}

void job_finish(struct job *job)
{
    write_event(job);
    /* Whoever went away has lost the answer, and asks again within the grace. */
    if (job->answer.n > 0)
        (void)!send(job->fd, job->answer.p, job->answer.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    job_drop(job);
}

void job_refuse(struct job *job, enum wire_status status)
{
    job_say(job, status, NULL);
    job_finish(job);
}

void job_drop(struct job *job)
{
    struct issuer *x = job->issuer;

    if (job->list == &x->queue)
        x->queued--;
    job_delist(job);
    (void)sd_event_source_disable_unref(job->io);
    (void)sd_event_source_disable_unref(job->limit);
    cleanup_close(&job->fd);
    judged_clear(&job->token);
    secret_clear(&job->text);
    secret_clear(&job->answer);
    free(job);
    x->connections--;
    listen_resume(x);
    service_release(&x->service);
}
