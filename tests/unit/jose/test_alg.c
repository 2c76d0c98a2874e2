#include "common/jose/alg.h"

#include "common/base/text.h"
#include "tests/unit/unit.h"

#include <string.h>

static bool finds(const char *p, size_t n)
{
    return alg_find((struct slice){p, n}) != NULL;
}

START_TEST(both_names_find_one_row)
{
    const struct alg *a = alg_find(SLICE("EdDSA"));

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_eq(a, alg_find(SLICE("Ed25519")));
    ck_assert_str_eq(a->name, "EdDSA");
    ck_assert_uint_eq(a->sig_len, 64);
}
END_TEST

START_TEST(none_is_not_an_algorithm_in_any_case)
{
    ck_assert(!finds("none", 4));
    ck_assert(!finds("None", 4));
    ck_assert(!finds("NONE", 4));
    ck_assert(!finds("nOnE", 4));
    ck_assert(!finds("", 0));
}
END_TEST

START_TEST(a_name_is_matched_whole_and_in_its_case)
{
    ck_assert(!finds("eddsa", 5));
    ck_assert(!finds("EdDSA ", 6));
    ck_assert(!finds("EdDS", 4));
    ck_assert(!finds("EdDSA\0x", 7));
    ck_assert(!finds("HS256K", 6));
    ck_assert(!finds("HS1", 3));
    ck_assert(!finds("ES256K", 6));
    ck_assert(!finds("RS25", 4));
}
END_TEST

START_TEST(the_first_of_a_set_is_the_first_in_the_tables_order)
{
    ck_assert_ptr_null(alg_first(0));
    ck_assert_ptr_eq(alg_first(~(alg_set)0), alg_at(0));
    for (size_t i = 0; alg_at(i); i++)
        ck_assert_ptr_eq(alg_first(alg_bit(alg_at(i)) | alg_bit(alg_at(12))), alg_at(i));
}
END_TEST

START_TEST(the_default_set_is_all_but_hmac)
{
    const struct alg *a;

    for (size_t i = 0; (a = alg_at(i)); i++)
        ck_assert_int_eq((alg_set_default() & alg_bit(a)) == 0, a->name[0] == 'H');
}
END_TEST

START_TEST(each_row_has_its_own_bit)
{
    const struct alg *a;
    alg_set seen = 0;

    for (size_t i = 0; (a = alg_at(i)); i++) {
        ck_assert_uint_eq(seen & alg_bit(a), 0);
        seen |= alg_bit(a);
    }
    ck_assert_uint_ne(seen, 0);
    ck_assert_int_eq(__builtin_popcount(seen), 13);
    ck_assert_ptr_null(alg_at(SIZE_MAX));
}
END_TEST

START_TEST(the_names_for_messages_are_those_of_the_rows)
{
    struct slice rest = SLICE(ALG_NAMES), name;
    size_t i = 0;

    for (; text_next_word(&rest, ' ', &name); i++) {
        ck_assert_ptr_nonnull(alg_at(i));
        ck_assert(slice_is(name, alg_at(i)->name));
    }
    ck_assert_ptr_null(alg_at(i));
}
END_TEST

UNIT_MAIN("alg", the_names_for_messages_are_those_of_the_rows, both_names_find_one_row,
          none_is_not_an_algorithm_in_any_case, a_name_is_matched_whole_and_in_its_case,
          the_first_of_a_set_is_the_first_in_the_tables_order, the_default_set_is_all_but_hmac,
          each_row_has_its_own_bit)
