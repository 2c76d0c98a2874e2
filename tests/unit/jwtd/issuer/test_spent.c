/* Tokens of other issuers that were exchanged. */
#include "tests/unit/jwtd/issuer/stores.h"
#include "tests/unit/unit.h"

#define EXP (NOW + 600)

/* Token number n of an issuer. */
static enum store_result spend_at(struct store *store, int64_t wall, int n, int issuer)
{
    uint8_t id[ISSUE_ID_BYTES], of[ISSUE_ID_BYTES];
    enum store_result result;

    stores_id(id, n);
    stores_id(of, issuer);
    stores_begin(store, wall);
    result = store_spend(store, id, of, EXP);
    stores_commit(store);
    return result;
}

static bool has_spent(struct store *store, int issuer, uint64_t n)
{
    uint8_t of[ISSUE_ID_BYTES];

    stores_id(of, issuer);
    return store_has_spent(store, of, n) == STORE_DONE;
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

START_TEST(the_tokens_of_each_issuer_are_counted)
{
    CLEANUP(cleanup_store) struct store *store = stores_open();

    for (int n = 1; n <= 3; n++)
        ck_assert_int_eq(spend_at(store, NOW, n, 100), STORE_DONE);
    ck_assert(has_spent(store, 100, 3));
    ck_assert(!has_spent(store, 100, 4));
    ck_assert(!has_spent(store, 101, 1));
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
    ck_assert(!has_spent(store, 100, 1));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_token_is_exchanged_once_across_restarts,
        the_tokens_of_each_issuer_are_counted,
        a_row_is_kept_as_long_as_its_token_may_be_accepted,
    };

    return unit_run_with("spent", tests, sizeof(tests) / sizeof(tests[0]), stores_setup,
                         stores_teardown);
}
