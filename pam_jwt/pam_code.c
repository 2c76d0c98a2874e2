#include "pam_jwt/pam_code.h"

int pam_code_auth(enum tok_err err)
{
    switch (err) {
    case TOK_OK:
        return PAM_SUCCESS;
    case TOK_MALFORMED:
    case TOK_PASTED:
    case TOK_TRUNCATED:
    case TOK_TOO_LONG:
    case TOK_BASE64:
    case TOK_JSON:
    case TOK_HEADER:
    case TOK_TYP:
    case TOK_CRIT:
    case TOK_UNSUPPORTED:
    case TOK_ALG:
    case TOK_UNKNOWN_KEY:
    case TOK_SIGNATURE:
    case TOK_CLAIM_TYPE:
    case TOK_MISSING:
    case TOK_EXPIRED:
    case TOK_NOT_YET:
    case TOK_LIFETIME:
    case TOK_ISSUER:
    case TOK_AUDIENCE:
    case TOK_HOST_KEY:
    case TOK_TYPE:
    case TOK_CLAIM:
    case TOK_BOUND:
    case TOK_SCOPE:
    case TOK_ONE_TIME:
    case TOK_USER_NAME:
    case TOK_USER:
    case TOK_ROOT:
    case TOK_UNMAPPED:
    case TOK_REVOKED:
    case TOK_SPENT:
    case TOK_DISABLED:
        return PAM_AUTH_ERR;
    case TOK_KEYS:
    case TOK_SETTINGS:
    case TOK_LIST:
    case TOK_STALE:
    case TOK_FILE:
    case TOK_CRYPTO:
        return PAM_AUTHINFO_UNAVAIL;
    case TOK_NO_MEMORY:
        return PAM_BUF_ERR;
    case TOK_ERR_COUNT:
        break;
    }
    return PAM_SYSTEM_ERR;
}

int pam_code_account(enum tok_err err)
{
    /* A revoked session has ended as one whose token expired. */
    if (err == TOK_EXPIRED || err == TOK_REVOKED)
        return PAM_ACCT_EXPIRED;
    if (err == TOK_OK || err == TOK_DISABLED || err >= TOK_ERR_COUNT || tok_err_is_ours(err))
        return pam_code_auth(err);
    return PAM_PERM_DENIED;
}

bool pam_code_is_shown(enum tok_err err, bool authentic)
{
    if (err == TOK_PASTED || err == TOK_TRUNCATED)
        return true;
    return authentic &&
           (err == TOK_EXPIRED || err == TOK_REVOKED || err == TOK_SCOPE || err == TOK_SPENT);
}
