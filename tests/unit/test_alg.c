#include "alg.h"
#include "unit.h"

static bool finds(const char *p, size_t n)
{
    return alg_find((struct slice){p, n}) != NULL;
}

START_TEST(both_spellings_are_one_row)
{
    const struct alg *a = alg_find(SLICE("EdDSA"));

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_eq(a, alg_find(SLICE("Ed25519")));
    ck_assert_ptr_eq(a, alg_of_curve(SLICE("OKP"), SLICE("Ed25519")));
    ck_assert_str_eq(a->name, "EdDSA");
    ck_assert_uint_eq(a->sig_len, 64);
}
END_TEST

START_TEST(none_is_no_algorithm_in_any_case)
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
    ck_assert(!finds("HS256", 5));
}
END_TEST

START_TEST(another_curve_or_type_implies_nothing)
{
    ck_assert_ptr_null(alg_of_curve(SLICE("OKP"), SLICE("X25519")));
    ck_assert_ptr_null(alg_of_curve(SLICE("OKP"), SLICE("Ed448")));
    ck_assert_ptr_null(alg_of_curve(SLICE("EC"), SLICE("Ed25519")));
    ck_assert_ptr_null(alg_of_curve(SLICE(""), SLICE("")));
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
    ck_assert_uint_eq(seen, alg_set_default());
    ck_assert_ptr_null(alg_at(SIZE_MAX));
}
END_TEST

UNIT_MAIN("alg", both_spellings_are_one_row, none_is_no_algorithm_in_any_case,
          a_name_is_matched_whole_and_in_its_case, another_curve_or_type_implies_nothing,
          each_row_has_its_own_bit)
