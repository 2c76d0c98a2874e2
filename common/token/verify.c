#include "common/token/verify.h"

#include "common/base/base64url.h"

#include <string.h>

#define KEYS_TRIED_MAX 8

/* Most of the struct is members of claims, which claims_init leaves alone. */
static void result_init(struct verify_result *ret)
{
    ret->authentic = false;
    ret->kid[0] = ret->user[0] = '\0';
    ret->exp = ret->iat = 0;
    ret->map_line = NULL;
    ret->payload = (struct slice){0};
    claims_init(&ret->claims);
}

static enum tok_err check_length(const struct verify_params *p)
{
    return p->token->length > p->policy->max_length ? TOK_TOO_LONG : TOK_OK;
}

/* RFC 8725 3.11. */
static enum tok_err check_typ(const struct policy *policy, const struct jws_header *header)
{
    return policy->typ & (1U << header->typ) ? TOK_OK : TOK_TYP;
}

/* RFC 8725 3.1. */
static enum tok_err check_alg(const struct policy *policy, const struct jws_header *header)
{
    return policy->algorithms & alg_bit(header->alg) ? TOK_OK : TOK_ALG;
}

/* A signature of another length than the key's is refused before it is decoded. */
static enum tok_err verify_by_key(const struct key *key, const struct alg *alg,
                                  const struct jws *jws)
{
    size_t wanted = BASE64URL_LEN(key_sig_len(key)), n = jws->signature.n;
    UNINITIALIZED char signature[KEY_SIGNATURE_MAX];
    enum tok_err err;

    if (n != wanted)
        return n < wanted && token_length_is_limit(jws->input.n + 1 + n) ? TOK_TRUNCATED
                                                                         : TOK_SIGNATURE;
    err = base64url_decode(jws->signature, signature, sizeof(signature), &n);
    return err ? err : key_verify_as(key, alg, jws->input, (struct slice){signature, n});
}

/*
 * Tries the key of the token's kid and alg, and those of its alg that have no kid (PEM has
 * none); for a token without kid, all of its alg. At most KEYS_TRIED_MAX in the file's order
 * are tried that the kid does not name. A key is good for its own algorithms and no other,
 * whatever the header says. *ret_key is also set when a key of the kid failed.
 */
static enum tok_err verify_by_keys(const struct keyset *keys, const struct jws_header *header,
                                   const struct jws *jws, const struct key **ret_key)
{
    const struct slice kid = {header->kid, header->kid_len};
    enum tok_err err = TOK_UNKNOWN_KEY;
    size_t tried = 0;

    for (size_t i = 0; i < keyset_size(keys); i++) {
        const struct key *key = keyset_at(keys, i);
        bool is_named = kid.n > 0 && slice_eq(key_kid(key), kid);

        if (!is_named && header->has_kid && key_kid(key).n > 0)
            continue;
        if (is_named)
            *ret_key = key;
        if (!(key_algs(key) & alg_bit(header->alg))) {
            if (is_named && err == TOK_UNKNOWN_KEY)
                err = TOK_ALG;
            continue;
        }
        if (!is_named && tried++ >= KEYS_TRIED_MAX)
            continue;
        err = verify_by_key(key, header->alg, jws);
        if (!err)
            *ret_key = key;
        if (err != TOK_SIGNATURE && err != TOK_TRUNCATED) /* those are for this key */
            return err;
    }
    return err;
}

static enum tok_err verify_signature(const struct verify_params *p,
                                     const struct jws_header *header, struct verify_result *ret)
{
    const struct key *key = NULL;
    enum tok_err err = verify_by_keys(p->keys, header, &p->token->jws, &key);

    if (key)
        key_kid_copy(key, ret->kid);
    ret->authentic = err == TOK_OK;
    return err;
}

static enum tok_err read_claims(const struct verify_params *p, struct verify_result *ret,
                                struct errmsg *errmsg)
{
    const struct claims_names names = policy_claims_names(p->policy);
    enum tok_err err = p->token->payload_err;

    if (err)
        return err;
    ret->payload = secret_slice(&p->token->payload);
    err = claims_read(ret->payload, &names, &ret->claims, errmsg);
    ret->exp = ret->claims.exp;
    ret->iat = ret->claims.iat;
    return err;
}

/* A token without sid belongs to no session; a longer sid is on no list. */
static enum tok_err check_revoked(const struct revoked *list, const struct claims *claims)
{
    UNINITIALIZED char sid[REVOKED_SID_LEN];
    enum tok_err err;
    size_t n;

    if (!list || !claims->sid)
        return TOK_OK;
    err = scan_string(*claims->sid, sid, sizeof(sid), &n);
    if (err == TOK_TOO_LONG)
        return TOK_OK;
    return err ? err : revoked_check(list, (struct slice){sid, n});
}

enum tok_err verify_token(const struct verify_params *p, struct verify_result *ret,
                          struct errmsg *errmsg)
{
    UNINITIALIZED struct jws_header header;
    struct policy_params check = p->check;
    enum tok_err err;

    result_init(ret);
    check.ret_map_line = &ret->map_line;
    err = check_length(p);
    if (!err)
        err = p->token->split_err;
    if (!err)
        err = jws_read_header(p->token->jws.header, &header);
    if (!err)
        err = check_typ(p->policy, &header);
    if (!err)
        err = check_alg(p->policy, &header);
    if (!err)
        err = verify_signature(p, &header, ret);
    /* The payload is not read above this line. */
    if (!err)
        err = read_claims(p, ret, errmsg);
    if (!err)
        err = policy_check(p->policy, &ret->claims, &check, ret->user, errmsg);
    if (!err)
        err = check_revoked(p->list, &ret->claims);
    return err;
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
