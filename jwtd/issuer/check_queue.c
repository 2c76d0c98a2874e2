#include "jwtd/issuer/check_queue.h"

void check_queue_init(struct check_queue *q)
{
    TAILQ_INIT(&q->places);
}

/* The number of places of p's source or of its user, whichever is higher. */
static size_t weight(const struct check_queue *q, const struct check_place *p)
{
    size_t sources = 0, users = 0;
    const struct check_place *other;

    TAILQ_FOREACH (other, &q->places, link) {
        sources += slice_eq(other->source, p->source);
        users += slice_eq(other->user, p->user);
    }
    return sources > users ? sources : users;
}

/* The newest place of those with the most weight. An own login has none. */
static struct check_place *heaviest(const struct check_queue *q)
{
    struct check_place *p, *found = NULL;
    size_t most = 0;

    TAILQ_FOREACH (p, &q->places, link) {
        size_t w = p->own ? 0 : weight(q, p);

        if (w >= most) {
            most = w;
            found = p;
        }
    }
    return found;
}

bool check_queue_add(struct check_queue *q, struct check_place *p,
                     struct check_place **ret_refused)
{
    const struct check_place *other;
    size_t taken = 0;

    TAILQ_FOREACH (other, &q->places, link)
        taken += slice_eq(other->source, p->source) && slice_eq(other->user, p->user);
    if (taken >= CHECK_PLACES_MAX)
        return false;
    p->source_turn = p->user_turn = ++q->turn;
    TAILQ_INSERT_TAIL(&q->places, p, link);
    q->n++;
    *ret_refused = q->n > CHECK_QUEUE_MAX ? heaviest(q) : NULL;
    return true;
}

static bool is_before(const struct check_place *a, const struct check_place *b)
{
    if (a->own != b->own)
        return a->own;
    if (a->source_turn != b->source_turn)
        return a->source_turn < b->source_turn;
    return a->user_turn < b->user_turn;
}

/* The source of p, and its user within it, come after all others. */
static void end_turn(struct check_queue *q, const struct check_place *p)
{
    struct check_place *other;

    q->turn++;
    TAILQ_FOREACH (other, &q->places, link) {
        if (!slice_eq(other->source, p->source))
            continue;
        other->source_turn = q->turn;
        if (slice_eq(other->user, p->user))
            other->user_turn = q->turn;
    }
}

struct check_place *check_queue_next(struct check_queue *q,
                                     bool (*may_start)(void *arg, const struct check_place *p),
                                     void *arg)
{
    struct check_place *p, *next = NULL;

    TAILQ_FOREACH (p, &q->places, link)
        if ((!next || is_before(p, next)) && may_start(arg, p))
            next = p;
    if (next)
        end_turn(q, next);
    return next;
}

void check_queue_remove(struct check_queue *q, struct check_place *p)
{
    TAILQ_REMOVE(&q->places, p, link);
    q->n--;
}
