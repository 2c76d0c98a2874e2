/*
 * The SSH keys of this host, for tokens that are bound to one: an audience A#K is A on the host
 * that has the SSH key K and on no other. K is the beginning of the key's SHA-256 fingerprint,
 * which `ssh-keygen -l` prints, in the alphabet of base64url.
 */
#pragma once

#include "common/base/error.h"
#include "common/base/slice.h"

#define HOST_KEY_LEN 22 /* characters of K: 132 bits */
#define HOST_KEY_FILES "/etc/ssh/ssh_host_*_key.pub"
#define HOST_KEY_FORM                                                                          \
    "the first 22 characters of an SSH key's SHA-256 fingerprint, with - and _ in place of "   \
    "+ and /"

/* True for a K. */
bool host_key_is_valid(struct slice text);

/* Makes a K, with a NUL, of a K or of a fingerprint as `ssh-keygen -l` prints it. False for any
 * other text. */
bool host_key_read(struct slice text, char ret[HOST_KEY_LEN + 1]);

/* Splits A#K at the last '#'. False for a text without '#'; the outputs are then untouched. */
bool host_key_split(struct slice audience, struct slice *ret_audience, struct slice *ret_key);

/* TOK_OK when this host has the key. pattern (glob(7)) names the files of its public keys, as
 * ssh-keygen writes them. A file counts when it is owned by root and not writable by others,
 * no part of its path is a symbolic link, and the private key is beside it: the same name
 * without ".pub", which is not opened. TOK_HOST_KEY: this host has other keys. TOK_FILE: no
 * file counts. TOK_CRYPTO, TOK_NO_MEMORY. Errors but the last two come with a message. */
enum tok_err host_key_check(const char *pattern, struct slice key,
                            struct errmsg *errmsg) MUST_CHECK;

/* One of the keys that host_key_check() accepts, with a NUL. TOK_FILE: no file counts.
 * TOK_CRYPTO, TOK_NO_MEMORY. */
enum tok_err host_key_any(const char *pattern, char ret[HOST_KEY_LEN + 1],
                          struct errmsg *errmsg) MUST_CHECK;
