/*
 * What scan does with the files of JSONTestSuite that a reader may accept or refuse (i_*), and
 * with the two that it refuses although RFC 8259 allows them. The reasons are in
 * tests/data/jsontestsuite/DECISIONS.md.
 */
#pragma once

#include <stdbool.h>

static const struct decision {
    const char *file;
    bool accepted;
    const char *reason;
} decisions[] = {
    /* RFC 8259 6: the grammar has no limit. scan yields a number's text; who asks for its value
     * is refused by scan_time and scan_integer. */
    {"i_number_double_huge_neg_exp.json", true, "grammar has no limit"},
    {"i_number_huge_exp.json", true, "grammar has no limit"},
    {"i_number_neg_int_huge_exp.json", true, "grammar has no limit"},
    {"i_number_pos_double_huge_exp.json", true, "grammar has no limit"},
    {"i_number_real_neg_overflow.json", true, "grammar has no limit"},
    {"i_number_real_pos_overflow.json", true, "grammar has no limit"},
    {"i_number_real_underflow.json", true, "grammar has no limit"},
    {"i_number_too_big_neg_int.json", true, "grammar has no limit"},
    {"i_number_too_big_pos_int.json", true, "grammar has no limit"},
    {"i_number_very_big_negative_int.json", true, "grammar has no limit"},
    /* RFC 8259 8.2, RFC 7493 2.1: not Unicode text; readers disagree on its meaning. */
    {"i_object_key_lone_2nd_surrogate.json", false, "lone surrogate"},
    {"i_string_1st_surrogate_but_2nd_missing.json", false, "lone surrogate"},
    {"i_string_1st_valid_surrogate_2nd_invalid.json", false, "lone surrogate"},
    {"i_string_incomplete_surrogate_and_escape_valid.json", false, "lone surrogate"},
    {"i_string_incomplete_surrogate_pair.json", false, "lone surrogate"},
    {"i_string_incomplete_surrogates_escape_valid.json", false, "lone surrogate"},
    {"i_string_invalid_lonely_surrogate.json", false, "lone surrogate"},
    {"i_string_invalid_surrogate.json", false, "lone surrogate"},
    {"i_string_inverted_surrogates_U+1D11E.json", false, "lone surrogate"},
    {"i_string_lone_second_surrogate.json", false, "lone surrogate"},
    /* RFC 8259 8.1: JSON is UTF-8; RFC 3629 3: and a decoder must refuse these. */
    {"i_string_UTF-8_invalid_sequence.json", false, "bad UTF-8"},
    {"i_string_UTF8_surrogate_U+D800.json", false, "bad UTF-8"},
    {"i_string_invalid_utf-8.json", false, "bad UTF-8"},
    {"i_string_iso_latin_1.json", false, "bad UTF-8"},
    {"i_string_lone_utf8_continuation_byte.json", false, "bad UTF-8"},
    {"i_string_not_in_unicode_range.json", false, "bad UTF-8"},
    {"i_string_overlong_sequence_2_bytes.json", false, "bad UTF-8"},
    {"i_string_overlong_sequence_6_bytes.json", false, "bad UTF-8"},
    {"i_string_overlong_sequence_6_bytes_null.json", false, "bad UTF-8"},
    {"i_string_truncated-utf-8.json", false, "bad UTF-8"},
    /* The same rule: other encodings are not allowed between systems. */
    {"i_string_UTF-16LE_with_BOM.json", false, "not a JSON value"},
    {"i_string_utf16BE_no_BOM.json", false, "not a JSON value"},
    {"i_string_utf16LE_no_BOM.json", false, "not a JSON value"},
    /* RFC 8259 8.1: writers must not add one. */
    {"i_structure_UTF-8_BOM_empty_object.json", false, "byte order mark"},
    /* RFC 8259 9: an implementation sets a limit; ours is SCAN_DEPTH. */
    {"i_structure_500_nested_arrays.json", false, "nested too deeply"},
    /* RFC 8259 4 says SHOULD, RFC 7515 4 and RFC 7519 4 let a reader refuse: readers disagree
     * which of the two counts. */
    {"y_object_duplicated_key.json", false, "duplicate member"},
    {"y_object_duplicated_key_and_value.json", false, "duplicate member"},
};
