/*
 * Tokens as attackers send them, some hundreds by name, in tables (attack_*.c). Each must be
 * refused with its error, and its neighbour, with one thing corrected, must be accepted:
 * otherwise a check that refuses everything would pass.
 */
#include "tests/unit/attacks/attack.h"

#define RUN(promise, fn)                                                                       \
    START_TEST(promise)                                                                        \
    {                                                                                          \
        CLEANUP(range_free) struct range *r = range_new();                                     \
                                                                                               \
        fn(r);                                                                                 \
    }                                                                                          \
    END_TEST

RUN(what_is_no_compact_jws_is_refused, attack_forms)
RUN(a_payload_that_is_no_strict_object_is_refused, attack_payloads)
RUN(letters_that_are_not_canonical_are_refused_though_signed, attack_letters)
RUN(nesting_has_its_end, attack_nesting)
RUN(size_has_its_end, attack_sizes)
RUN(a_header_out_of_form_is_refused_though_signed, attack_headers)
RUN(a_key_that_comes_with_the_token_is_never_used, attack_embedded_keys)
RUN(a_key_is_good_for_its_own_algorithm_alone, attack_other_algorithms)
RUN(what_all_know_is_no_secret, attack_public_secrets)
RUN(schemes_of_one_family_are_not_one, attack_relatives)
RUN(another_key_of_the_same_kind_is_another_key, attack_other_keys)
RUN(a_kid_names_one_key_and_no_kid_none_in_particular, attack_kids)
RUN(a_key_file_that_passes_one_kind_for_another_is_refused, attack_sets)
RUN(secrets_and_public_keys_never_mix, attack_pairs)
RUN(a_key_is_the_one_that_its_numbers_use_and_kid_name, attack_changed)
RUN(keys_of_one_name_are_told_apart_or_not_used, attack_collisions)
RUN(a_signature_has_one_length, attack_lengths)
RUN(rsa_numbers_are_in_range, attack_rsa)
RUN(ecdsa_numbers_are_in_range_and_no_der, attack_ecdsa)
RUN(eddsa_has_one_signature, attack_eddsa)
RUN(each_claim_has_its_type, attack_types)
RUN(each_claim_is_verified, attack_claims)
RUN(no_name_stands_twice_at_any_level, attack_repeats)
RUN(a_user_is_a_portable_name_and_the_one_asked_for, attack_names)
RUN(a_map_makes_one_user_of_one_value, attack_maps)
RUN(times_are_verified_to_the_second, attack_times)
RUN(each_issuer_verifies_its_own_tokens, attack_issuers)
RUN(a_host_has_the_keys_that_are_its_own, attack_hosts)

/* The last one, so that the others have counted. */
START_TEST(hundreds_were_tried_and_none_got_in)
{
    struct tally t = tally_now();

    printf("# %u attacks, %u valid neighbours, %u false accepts, %u false refusals\n",
           t.attacks, t.neighbours, t.false_accepts, t.false_refusals);
    (void)fflush(stdout);
    ck_assert_uint_ge(t.attacks, 300);
    ck_assert_uint_ge(t.neighbours, 50);
    ck_assert_uint_eq(t.false_accepts, 0);
    ck_assert_uint_eq(t.false_refusals, 0);
    ck_assert_uint_eq(t.wrong_reasons, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_no_compact_jws_is_refused,
        a_payload_that_is_no_strict_object_is_refused,
        letters_that_are_not_canonical_are_refused_though_signed,
        nesting_has_its_end,
        size_has_its_end,
        a_header_out_of_form_is_refused_though_signed,
        a_key_that_comes_with_the_token_is_never_used,
        a_key_is_good_for_its_own_algorithm_alone,
        what_all_know_is_no_secret,
        schemes_of_one_family_are_not_one,
        another_key_of_the_same_kind_is_another_key,
        a_kid_names_one_key_and_no_kid_none_in_particular,
        a_key_file_that_passes_one_kind_for_another_is_refused,
        secrets_and_public_keys_never_mix,
        a_key_is_the_one_that_its_numbers_use_and_kid_name,
        keys_of_one_name_are_told_apart_or_not_used,
        a_signature_has_one_length,
        rsa_numbers_are_in_range,
        ecdsa_numbers_are_in_range_and_no_der,
        eddsa_has_one_signature,
        each_claim_has_its_type,
        each_claim_is_verified,
        no_name_stands_twice_at_any_level,
        a_user_is_a_portable_name_and_the_one_asked_for,
        a_map_makes_one_user_of_one_value,
        times_are_verified_to_the_second,
        each_issuer_verifies_its_own_tokens,
        a_host_has_the_keys_that_are_its_own,
        hundreds_were_tried_and_none_got_in,
    };

    tally_open();
    return unit_run("attacks", tests, sizeof(tests) / sizeof(tests[0]));
}
