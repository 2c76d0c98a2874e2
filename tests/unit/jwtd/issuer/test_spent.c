/* Tokens of other issuers that were exchanged. */
#include "tests/unit/jwtd/issuer/stores.h"
#include "tests/unit/unit.h"

#include <string.h>

#define EXP (NOW + 600)

/* Token number n of an issuer, unless it is spent. */
static enum store_result spend_at(struct store *store, int64_t wall, uint32_t n, int issuer)
{
    uint8_t id[ISSUE_ID_BYTES] = {0}, of[ISSUE_ID_BYTES];
    enum store_result result = STORE_ABSENT;

    memcpy(id, &n, sizeof(n));
    stores_id(of, issuer);
    stores_begin(store, wall);
    if (store_find_spent(store, id) == STORE_ABSENT)
        result = store_spend(store, id, of, EXP);
    stores_commit(store);
    return result;
}

START_TEST(a_token_is_exchanged_once_across_restarts)
{
    struct store *store = stores_open();

    ck_assert_int_eq(spend_at(store, NOW, 1, 100), STORE_DONE);
    ck_assert_int_eq(spend_at(store, NOW, 1, 100), STORE_ABSENT);
    store_close(store);
    store = stores_open();
    ck_assert_int_eq(spend_at(store, NOW, 1, 100), STORE_ABSENT);
    ck_assert_int_eq(spend_at(store, NOW, 2, 100), STORE_DONE);
    store_close(store);
}
END_TEST

START_TEST(the_tokens_of_each_issuer_are_limited)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();
    uint8_t id[ISSUE_ID_BYTES] = {0}, of[ISSUE_ID_BYTES];

    stores_id(of, 100);
    stores_begin(store, NOW);
    for (uint32_t n = 1; n <= STORE_SPENT_MAX; n++) {
        memcpy(id, &n, sizeof(n));
        ck_assert_int_eq(store_spend(store, id, of, EXP), STORE_DONE);
    }
    stores_commit(store);
    ck_assert_int_eq(spend_at(store, NOW, STORE_SPENT_MAX + 1, 100), STORE_ABSENT);
    ck_assert_int_eq(spend_at(store, NOW, STORE_SPENT_MAX + 1, 101), STORE_DONE);
}
END_TEST

/* A token may be accepted for POLICY_LEEWAY_MAX after its exp. */
START_TEST(a_row_is_kept_as_long_as_its_token_may_be_accepted)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();

    ck_assert_int_eq(spend_at(store, NOW, 1, 100), STORE_DONE);
    ck_assert_int_eq(spend_at(store, EXP + POLICY_LEEWAY_MAX, 2, 100), STORE_DONE);
    ck_assert_int_eq(spend_at(store, EXP + POLICY_LEEWAY_MAX, 1, 100), STORE_ABSENT);
    ck_assert_int_eq(spend_at(store, EXP + POLICY_LEEWAY_MAX + 1, 3, 101), STORE_DONE);
    ck_assert_int_eq(spend_at(store, EXP + POLICY_LEEWAY_MAX + 1, 1, 101), STORE_DONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_token_is_exchanged_once_across_restarts,
        a_row_is_kept_as_long_as_its_token_may_be_accepted,
        /* 16384 statements: too slow for a database */
        the_tokens_of_each_issuer_are_limited,
    };
    size_t n = sizeof(tests) / sizeof(tests[0]) - (stores_is_shared() ? 1 : 0);

    return unit_run_with("spent", tests, n, stores_setup, stores_teardown);
}
