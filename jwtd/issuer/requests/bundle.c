#include "jwtd/issuer/issuer.h"
#include "jwtd/issuer/keys/own_bundle.h"
#include "jwtd/issuer/requests/handlers.h"
#include "jwtd/issuer/shared_bundle.h"
#include "jwtd/shared/messages.h"

#include <stdio.h>

static enum wire_status report_bundle_failure(struct issuer *x, enum tok_err err,
                                              const struct errmsg *errmsg)
{
    service_report_failure(&x->service, MESSAGE_KEYS, "Cannot sign the bundle",
                           errmsg->text[0] ? errmsg->text : tok_err_text(err));
    return WIRE_UNAVAILABLE;
}

enum wire_status handle_bundle(struct issuer *x, struct issuer_request *r)
{
    struct own_bundle *b = x->bundle;
    struct errmsg errmsg = {""};
    enum tok_err err = TOK_OK;

    if (key_alg(x->keys.signer)->kind == ALG_OCT)
        return WIRE_NO_SESSION; /* secrets are not for other hosts */
    if (!store_is_fleet(x->store))
        err = own_bundle_sign(b, &x->keys, x->names.issuer, issuer_wall_us(x), &errmsg);
    else if (b->text.n == 0)
        return WIRE_UNAVAILABLE; /* shared_bundle_prepare has said why */
    if (err != TOK_OK)
        return report_bundle_failure(x, err, &errmsg);
    return request_reply(r, (union wire_value[]){{.text = secret_slice(&b->text)},
                                                 {.number = b->iat},
                                                 {.number = (uint64_t)b->seq},
                                                 {.number = b->revoked.count}});
}

enum wire_status handle_admin_new_epoch(struct issuer *x, struct issuer_request *r)
{
    struct errmsg errmsg = {""};
    char epoch[24];
    enum tok_err err = store_is_fleet(x->store) ? shared_bundle_new_epoch(x, &errmsg)
                                                : own_bundle_new_epoch(x->bundle, &errmsg);

    if (err != TOK_OK)
        return report_bundle_failure(x, err, &errmsg);
    (void)snprintf(epoch, sizeof(epoch), "%lld", (long long)x->bundle->epoch);
    LOG(LOG_NOTICE, MESSAGE_KEYS, "New epoch of the bundle", {"epoch", epoch});
    return request_reply(r, &(union wire_value){.number = (uint64_t)x->bundle->epoch});
}
