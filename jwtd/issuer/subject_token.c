#include "jwtd/issuer/subject_token.h"

#include "common/config/resolve.h"

#include <openssl/evp.h>
#include <string.h>

static enum wire_status status_of(enum tok_err err)
{
    if (tok_err_is_ours(err))
        return WIRE_UNAVAILABLE;
    if (err == TOK_EXPIRED)
        return WIRE_EXPIRED;
    return err == TOK_UNMAPPED || err == TOK_USER_NAME || err == TOK_ROOT ? WIRE_NO_USER
                                                                          : WIRE_INVALID;
}

/* Half of a SHA-256: of the issuer, of a byte that says what follows, and of that. */
static enum wire_status make_id(const char *issuer, char what, struct slice of,
                                uint8_t ret[ISSUE_ID_BYTES])
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    uint8_t sha256[EVP_MAX_MD_SIZE];
    bool ok = digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(digest, issuer, strlen(issuer) + 1) == 1 &&
              EVP_DigestUpdate(digest, &what, 1) == 1 &&
              EVP_DigestUpdate(digest, of.p, of.n) == 1 &&
              EVP_DigestFinal_ex(digest, sha256, NULL) == 1;

    EVP_MD_CTX_free(digest);
    if (ok)
        memcpy(ret, sha256, ISSUE_ID_BYTES);
    return ok ? WIRE_OK : WIRE_UNAVAILABLE;
}

/* Without a jti it is the signed text: of one text there may be several valid signatures. */
static enum wire_status set_ids(const struct parsed_token *token, const struct claims *c,
                                struct subject_token *ret)
{
    enum wire_status status = make_id(ret->issuer, 'i', (struct slice){"", 0}, ret->issuer_id);

    if (status != WIRE_OK)
        return status;
    return c->jti ? make_id(ret->issuer, 'j', c->jti->text, ret->id)
                  : make_id(ret->issuer, 't', token->jws.input, ret->id);
}

/* A token for certain services would become one for all. One for a single use or for the host
 * of one SSH key was refused before. */
static bool is_narrowed(const struct claims *c)
{
    char text[CLAIMS_SCOPE_MAX];
    struct scan_value v;
    size_t n, pos = 0;

    while (claims_next_text(c->scope, &pos, &v))
        if (scan_string(v, text, sizeof(text), &n) != TOK_OK ||
            policy_scope_names_service((struct slice){text, n}))
            return true;
    return false;
}

static enum wire_status verify(const struct issuer *x, const struct parsed_token *token,
                               struct resolved *rules, struct subject_token *ret)
{
    struct policy_params check = {.now = store_time(x->store, issuer_wall(x))};
    struct verify_result result;
    enum tok_err err = resolve_verify(rules, token, &check, &result, &ret->errmsg);

    if (err != TOK_OK) {
        if (!ret->errmsg.text[0])
            (void)errmsg_set(&ret->errmsg, err, "%s", tok_err_text(err));
        return status_of(err);
    }
    if (is_narrowed(&result.claims)) {
        (void)errmsg_set(&ret->errmsg, TOK_SCOPE, "the token is narrowed");
        return WIRE_NOT_ALLOWED;
    }
    memcpy(ret->user, result.user, sizeof(ret->user));
    ret->exp = result.exp;
    ret->mapped = result.map_line != NULL;
    if (ret->mapped)
        ret->line = (struct usermap_line){.pattern = result.map_line->pattern,
                                          .system = result.map_line->system,
                                          .line = result.map_line->line};
    return set_ids(token, &result.claims, ret);
}

/* The section is NULL for an issuer that has none, and never that of this issuer: a token of
 * ours would become a session again and again. */
static const struct policy *find_section(const struct issuer *x,
                                         const struct parsed_token *token)
{
    const struct settings *set = &x->service.settings;
    const struct policy *section = resolve_section(set, token);

    return section && section->exchange && set->session.check_account &&
                   strcmp(section->issuer, x->names.issuer) != 0
               ? section
               : NULL;
}

static enum tok_err load(const struct issuer *x, const struct policy *section,
                         struct resolved *ret, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *pinned = NULL;
    const struct policy no_words = {0};
    struct resolve_params params = {.words = &no_words, .trust = FILE_PUBLIC};
    enum tok_err err = text_concat(x->public_dir, "/issuer", "", &pinned);

    params.pinned = pinned;
    return err ? err : resolve_load(&params, &x->service.settings, section, ret, errmsg);
}

enum wire_status subject_token_verify(const struct issuer *x, struct slice token,
                                      struct subject_token *ret)
{
    CLEANUP(parsed_token_clear) struct parsed_token parsed = {0};
    CLEANUP(resolve_clear) struct resolved rules = {.list.fd = -1};
    const struct policy *section;
    enum tok_err err = token_parse(token, &parsed);

    *ret = (struct subject_token){0};
    if (err != TOK_OK)
        return status_of(err);
    section = find_section(x, &parsed);
    if (!section) {
        (void)errmsg_set(&ret->errmsg, TOK_ISSUER, "no [Issuer] section with Exchange=yes");
        return WIRE_INVALID;
    }
    (void)stpcpy(ret->issuer, section->issuer);
    ret->session = section->session;
    ret->allow_root = section->allow_root;
    ret->lifetime = section->exchange_lifetime;
    err = load(x, section, &rules, &ret->errmsg);
    return err == TOK_OK ? verify(x, &parsed, &rules, ret) : status_of(err);
}
