#include "common/jose/alg.h"

#include "common/base/text.h"
#include "tests/unit/unit.h"

#include <string.h>

static bool finds(const char *p, size_t n)
{
    return alg_find((struct slice){p, n}) != NULL;
}

static const struct alg *fitting(alg_set among, const char *kty, const char *crv, size_t want)
{
    alg_set set = among & alg_fitting((struct slice){kty, strlen(kty)},
                                      (struct slice){crv, crv ? strlen(crv) : 0});

    ck_assert_uint_eq((size_t)__builtin_popcount(set), want);
    ck_assert_int_eq(alg_first(set) != NULL, want > 0);
    return alg_first(set);
}

START_TEST(both_names_find_one_row)
{
    const struct alg *a = alg_find(SLICE("EdDSA"));

    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_eq(a, alg_find(SLICE("Ed25519")));
    ck_assert_ptr_eq(a, fitting(~(alg_set)0, "OKP", "Ed25519", 1));
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

START_TEST(another_curve_or_type_implies_nothing)
{
    static const struct {
        const char *kty, *crv;
    } none[] = {{"OKP", "X25519"}, {"OKP", "Ed448"},    {"EC", "Ed25519"}, {"", ""},
                {"OKP", NULL},     {"EC", NULL},        {"RSA", "P-256"},  {"oct", "P-256"},
                {"EC", "P-192"},   {"EC", "secp256k1"}, {"ec", "P-256"},   {"EC", "P-256 "}};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        ck_assert_ptr_null(fitting(~(alg_set)0, none[i].kty, none[i].crv, 0));
}
END_TEST

START_TEST(a_curve_fits_one_row_and_a_type_without_curves_several)
{
    const alg_set rs = alg_bit(alg_find(SLICE("RS512"))),
                  hs = alg_bit(alg_find(SLICE("HS384")));

    ck_assert_str_eq(fitting(~(alg_set)0, "EC", "P-256", 1)->name, "ES256");
    ck_assert_str_eq(fitting(~(alg_set)0, "EC", "P-384", 1)->name, "ES384");
    ck_assert_str_eq(fitting(~(alg_set)0, "EC", "P-521", 1)->name, "ES512");
    (void)fitting(~(alg_set)0, "RSA", NULL, 6);
    (void)fitting(~(alg_set)0, "oct", NULL, 3);
    (void)fitting(alg_set_default(), "oct", NULL, 0);
    (void)fitting(hs, "RSA", NULL, 0);
    ck_assert_str_eq(fitting(hs | rs, "RSA", NULL, 1)->name, "RS512");
    ck_assert_str_eq(fitting(hs | rs, "oct", NULL, 1)->name, "HS384");
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
          another_curve_or_type_implies_nothing,
          a_curve_fits_one_row_and_a_type_without_curves_several,
          the_default_set_is_all_but_hmac, each_row_has_its_own_bit)
