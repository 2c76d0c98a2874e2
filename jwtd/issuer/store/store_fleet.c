#include "jwtd/issuer/store/store_fleet.h"

#include "common/base/secret.h"
#include "jwtd/issuer/store/store_internal.h"

#define UTF8_MAX 4 /* bytes of a character */
#define THUMBPRINT_MAX (43 * UTF8_MAX)

enum store_result store_each_document(struct store *store, store_document_fn *fn, void *arg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    char thumbprint[THUMBPRINT_MAX + 1];
    enum store_result result;
    struct sql_call call;

    if (secret_alloc((size_t)(STORE_DOCUMENT_MAX + 1) * UTF8_MAX, &text) != TOK_OK)
        return sql_failed(&store->sql, "out of memory");
    call = sql_call(&store->sql,
                    "SELECT substr(thumbprint, 1, 43), substr(document, 1, 16385) FROM issuer"
                    " ORDER BY thumbprint LIMIT 256",
                    NULL);
    while ((result = sql_step(&call)) == STORE_DONE) {
        size_t n;

        sql_read_text(&call, thumbprint, sizeof(thumbprint));
        n = sql_read_bytes(&call, text.p, text.n);
        if (!fn(arg, thumbprint, (struct slice){text.p, n}))
            result = STORE_FAILED;
        if (result == STORE_FAILED)
            break;
    }
    sql_done(&call);
    return result == STORE_ABSENT ? STORE_DONE : STORE_FAILED;
}

static enum store_result count_change(struct store *store)
{
    return sql_run(&store->sql, "UPDATE counter SET value = value + 1 WHERE name = 'keys'",
                   NULL);
}

enum store_result store_put_document(struct store *store, const char *thumbprint,
                                     const char *text)
{
    enum store_result result =
        sql_run(&store->sql,
                "INSERT INTO issuer (thumbprint, document) VALUES (?1, ?2)"
                " ON CONFLICT (thumbprint) DO UPDATE SET document = excluded.document",
                SQL_VALUES(SQL_TEXT(thumbprint), SQL_TEXT(text)));

    return result == STORE_DONE ? count_change(store) : result;
}

enum store_result store_remove_document(struct store *store, const char *thumbprint)
{
    enum store_result result = sql_run(&store->sql, "DELETE FROM issuer WHERE thumbprint = ?1",
                                       SQL_VALUES(SQL_TEXT(thumbprint)));

    return result == STORE_DONE ? count_change(store) : result;
}
