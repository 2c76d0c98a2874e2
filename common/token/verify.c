#include "common/token/verify.h"

#include "common/base/base64url.h"

#include <string.h>

#define KEYS_TRIED 8    /* of a token without kid */
#define ISSUER_MAX 1024 /* bytes of an iss that is looked up */

/* What the policy says of the header alone: typ (RFC 8725 3.11) and alg (3.1). */
static enum tok_err check_header(const struct policy *policy, const struct jws_header *header)
{
    if (!(policy->typ & (1U << header->typ)))
        return TOK_TYP;
    if (!(policy->algorithms & alg_bit(header->alg)))
        return TOK_ALG;
    return TOK_OK;
}

/* Its length is the key's, or it is no signature: told before any letter is decoded. */
static enum tok_err check_one(const struct key *key, const struct jws *jws)
{
    UNINITIALIZED char signature[KEY_SIGNATURE_MAX];
    enum tok_err err;
    size_t n;

    if (jws->signature.n != BASE64URL_LEN(key_sig_len(key)))
        return TOK_SIGNATURE;
    err = base64url_decode(jws->signature, signature, sizeof(signature), &n);
    return err ? err : key_verify(key, jws->input, (struct slice){signature, n});
}

/* Each key of the token's algorithm, in the file's order, KEYS_TRIED of them. nameless: only
 * those that have no kid themselves. */
static enum tok_err check_by_trial(const struct keyset *keys, const struct alg *alg,
                                   bool nameless, const struct jws *jws, const struct key **ret)
{
    enum tok_err err = TOK_UNKNOWN_KEY;
    size_t tried = 0;

    for (size_t i = 0; i < keyset_size(keys) && tried < KEYS_TRIED; i++) {
        const struct key *key = keyset_at(keys, i);

        if (key_alg(key) != alg || (nameless && key_kid(key).n))
            continue;
        tried++;
        err = check_one(key, jws);
        if (err == TOK_SIGNATURE)
            continue;
        if (!err)
            *ret = key;
        return err;
    }
    return err;
}

/* A key is good for its own algorithm and no other, whatever the header asks. A key that has no
 * kid (PEM has none) may be meant by any.
 *
 * *ret_key is the key that was asked, also when the signature does not hold; NULL for none. */
static enum tok_err check_signature(const struct keyset *keys, const struct jws_header *header,
                                    const struct jws *jws, const struct key **ret_key)
{
    const struct key *key;

    if (!header->has_kid)
        return check_by_trial(keys, header->alg, false, jws, ret_key);
    key = keyset_find(keys, (struct slice){header->kid, header->kid_len});
    if (!key)
        return keyset_has_nameless(keys) ? check_by_trial(keys, header->alg, true, jws, ret_key)
                                         : TOK_UNKNOWN_KEY;
    *ret_key = key;
    if (key_alg(key) != header->alg)
        return TOK_ALG;
    return check_one(key, jws);
}

static enum tok_err decode_payload(struct slice letters, char *scratch, size_t size,
                                   struct slice *ret)
{
    enum tok_err err;
    size_t n;

    if (size < BASE64URL_BYTES(letters.n))
        return TOK_TOO_LONG;
    err = base64url_decode(letters, scratch, size, &n);
    if (err)
        return err;
    *ret = (struct slice){scratch, n};
    return TOK_OK;
}

static void copy_kid(const struct key *key, char ret[KEY_KID_MAX + 1])
{
    struct slice kid = key_kid(key);

    memcpy(ret, kid.p, kid.n);
    ret[kid.n] = '\0';
}

static enum tok_err read_claims(const struct policy *policy, struct verify_result *result)
{
    const struct claims_names names = policy_claims_names(policy);
    enum tok_err err = claims_read(result->payload, &names, &result->claims);

    if (err)
        return err;
    result->exp = result->claims.exp;
    result->iat = result->claims.iat;
    return TOK_OK;
}

/* Is the session this token belongs to ended? A token without sid belongs to none. */
static enum tok_err check_list(const struct revoked *list, const struct claims *claims)
{
    UNINITIALIZED char sid[REVOKED_SID_LEN];
    enum tok_err err;
    size_t n;

    if (!list || !claims->sid)
        return TOK_OK;
    err = scan_string(*claims->sid, sid, sizeof(sid), &n);
    if (err == TOK_TOO_LONG)
        return TOK_OK;
    if (err)
        return err;
    return revoked_check(list, (struct slice){sid, n});
}

/* Member by member: most of its bytes are never used. */
static void know_nothing(struct verify_result *ret)
{
    ret->authentic = false;
    ret->kid[0] = ret->user[0] = '\0';
    ret->exp = ret->iat = 0;
    ret->payload = (struct slice){0};
    claims_init(&ret->claims);
}

enum tok_err verify_token(const struct verify_params *ask, struct verify_result *ret)
{
    const struct policy_params judge = {.now = ask->now,
                                        .user = ask->user,
                                        .service = ask->service,
                                        .map = ask->map,
                                        .accept_one_time = ask->accept_one_time};
    const struct key *key = NULL;
    UNINITIALIZED struct jws_header header;
    enum tok_err err;
    struct jws jws;

    know_nothing(ret);
    if (ask->token.n > ask->policy->max_length)
        return TOK_TOO_LONG;
    err = jws_split(ask->token, &jws);
    if (err)
        return err;
    err = jws_read_header(jws.header, &header);
    if (err)
        return err;
    err = check_header(ask->policy, &header);
    if (err)
        return err;
    err = check_signature(ask->keys, &header, &jws, &key);
    if (key)
        copy_kid(key, ret->kid);
    if (err)
        return err;
    ret->authentic = true;
    err = decode_payload(jws.payload, ask->scratch, ask->scratch_size, &ret->payload);
    if (err)
        return err;
    err = read_claims(ask->policy, ret);
    if (err)
        return err;
    err = policy_check(ask->policy, &ret->claims, &judge, ret->user);
    return err ? err : check_list(ask->list, &ret->claims);
}

void verify_id(const struct scan_value *id, char ret[VERIFY_ID_MAX + 1])
{
    char text[VERIFY_ID_MAX];
    size_t n = 0;

    ret[0] = '\0';
    if (!id || scan_string(*id, text, sizeof(text), &n) ||
        !base64url_is_text((struct slice){text, n}))
        return;
    memcpy(ret, text, n);
    ret[n] = '\0';
}

enum tok_err verify_peek_issuer(struct slice token, char *scratch, size_t scratch_size,
                                char *ret, size_t size)
{
    UNINITIALIZED struct scan_member members[CLAIMS_MAX];
    const struct scan_value *iss;
    UNINITIALIZED char issuer[ISSUER_MAX];
    struct slice payload;
    struct jws jws;
    size_t n;

    if (jws_split(token, &jws) ||
        decode_payload(jws.payload, scratch, scratch_size, &payload) ||
        scan_object(payload, members, CLAIMS_MAX, &n, NULL))
        return TOK_MALFORMED;
    iss = scan_find(members, n, "iss");
    if (!iss || iss->type != SCAN_STRING || scan_string(*iss, issuer, sizeof(issuer), &n))
        return TOK_MALFORMED;
    if (n >= size || memchr(issuer, '\0', n))
        return TOK_MALFORMED;
    memcpy(ret, issuer, n);
    ret[n] = '\0';
    return TOK_OK;
}
