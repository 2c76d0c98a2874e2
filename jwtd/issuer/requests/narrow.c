#include "jwtd/issuer/requests/narrow.h"

#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/mint.h"
#include "jwtd/issuer/requests/scope.h"
#include "jwtd/issuer/requests/sessions.h"
#include "jwtd/shared/messages.h"

#include <string.h>

enum field { ACCESS, SCOPE, AUDIENCE, LIFETIME, ONE_TIME };

struct narrowing {
    char *scope; /* NULL: none */
    word_list audience;
};

static enum wire_status narrow_scope(const struct judged *token, struct slice asked,
                                     struct narrowing *ret)
{
    struct slice shown = secret_slice(&token->scope);
    word_list words = NULL;
    enum tok_err err;

    if (asked.n == 0)
        asked = shown;
    err = word_list_parse(asked, ' ', scope_is_word, &words);
    if (err == TOK_OK && !scope_within(words, shown))
        err = TOK_SCOPE;
    if (err == TOK_OK && words)
        err = word_list_format(words, ' ', &ret->scope);
    word_list_free(words);
    if (err == TOK_NO_MEMORY)
        return WIRE_UNAVAILABLE;
    if (err != TOK_OK)
        return WIRE_WIDER_SCOPE;
    /* Its quotes count. */
    return ret->scope && strlen(ret->scope) + 2 > CLAIMS_SCOPE_MAX ? WIRE_TOO_LONG : WIRE_OK;
}

/* Each once, in the order of Audience=. */
static enum wire_status narrow_audience(const struct issuer *x, const struct judged *token,
                                        struct slice asked, struct narrowing *ret)
{
    word_list words = NULL, kept;
    size_t n = 0, room = 0;

    if (asked.n > 0 && word_list_parse(asked, ' ', value_is_name, &words) != TOK_OK)
        return WIRE_WIDER_AUDIENCE;
    for (size_t i = 0; words && words[i]; i++) {
        if (judged_has_audience(token, slice_of(words[i])))
            continue;
        word_list_free(words);
        return WIRE_WIDER_AUDIENCE;
    }
    while (x->names.audience[room])
        room++;
    kept = calloc(room + 1, sizeof(char *));
    for (size_t i = 0; kept && i < room; i++) {
        struct slice name = {x->names.audience[i], strlen(x->names.audience[i])};

        if (judged_has_audience(token, name) && (!words || word_list_has(words, name)))
            kept[n++] = strdup(name.p);
        if (n > 0 && !kept[n - 1])
            break;
    }
    word_list_free(words);
    ret->audience = kept;
    return n > 0 && kept[n - 1] ? WIRE_OK : WIRE_UNAVAILABLE;
}

static enum wire_status judge_asked(const struct issuer *x, const struct job *job,
                                    struct narrowing *ret)
{
    uint64_t one_time = job->request.v[ONE_TIME].number;
    enum wire_status status = narrow_scope(&job->token, job_text(job, SCOPE), ret);

    if (status == WIRE_OK)
        status = narrow_audience(x, &job->token, job_text(job, AUDIENCE), ret);
    if (status == WIRE_OK && (one_time > 1 || (one_time == 1 && ret->audience[1])))
        status = WIRE_BAD_NARROW;
    return status;
}

static enum wire_status mint_it(struct issuer *x, struct job *job,
                                const struct store_session *s, const struct narrowing *n,
                                struct secret *ret)
{
    uint64_t lifetime = job->request.v[LIFETIME].number;
    int64_t wall = issuer_wall(), left = job->token.exp - wall;
    uint8_t jti[ISSUE_ID_BYTES];
    struct mint_narrowed to = {
        .iat = wall,
        .exp = job->token.exp,
        .jti = jti,
        .audience = n->audience,
        .scope = n->scope,
        .one_time = job->request.v[ONE_TIME].number == 1,
    };

    if (lifetime > 0 && left > 0 && lifetime < (uint64_t)left)
        to.exp = wall + (int64_t)lifetime;
    return mint_id(wall, jti) ? mint_narrowed(x, s, &to, ret) : WIRE_UNAVAILABLE;
}

static enum wire_status narrow(struct issuer *x, struct job *job, const struct store_session *s,
                               struct secret *ret)
{
    struct narrowing n = {0};
    enum wire_status status = judge_asked(x, job, &n);

    if (status == WIRE_OK)
        status = mint_it(x, job, s, &n, ret);
    free(n.scope);
    word_list_free(n.audience);
    return status;
}

enum step narrow_step(struct issuer *x, struct job *job)
{
    CLEANUP(secret_clear) struct secret token = {0};
    struct store_session s;
    bool good;
    enum step step = sessions_bearer(x, job, SESSIONS_SHOW, &s, &good);
    enum wire_status status;

    if (!good)
        return step;
    status = narrow(x, job, &s, &token);
    job_say(job, status, &(union wire_value){.text = secret_slice(&token)});
    if (status == WIRE_OK)
        sessions_event(job, LOG_INFO, MESSAGE_NARROWED, "A narrower token was made", NULL);
    return STEP_ANSWER;
}
