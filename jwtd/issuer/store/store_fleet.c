#include "jwtd/issuer/store/store_fleet.h"

#include "common/base/secret.h"
#include "jwtd/issuer/store/store_internal.h"

#define UTF8_MAX 4 /* bytes of a character */
#define THUMBPRINT_MAX (43 * UTF8_MAX)

_Static_assert(BUNDLE_MAX == 16384 && STORE_DOCUMENTS_MAX == 256, "the numbers in the SELECT");

enum store_result store_each_document(struct store *store, store_document_fn *fn, void *arg)
{
    CLEANUP(secret_clear) struct secret text = {0};
    char thumbprint[THUMBPRINT_MAX + 1];
    enum store_result result;
    struct sql_call call;

    if (secret_alloc((size_t)(BUNDLE_MAX + 1) * UTF8_MAX, &text) != TOK_OK)
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

#define SELECT_BUNDLE "SELECT seq, change, text FROM bundle"

enum store_result store_read_bundle(struct store *store, bool lock, struct store_bundle *ret)
{
    struct sql_call call =
        sql_call(&store->sql, lock ? SELECT_BUNDLE " FOR UPDATE" : SELECT_BUNDLE, NULL);
    enum store_result result = sql_step(&call);

    ret->seq = ret->change = 0;
    ret->text[0] = '\0';
    if (result == STORE_DONE) {
        ret->seq = sql_read_int(&call);
        ret->change = sql_read_int(&call);
        sql_read_text(&call, ret->text, sizeof(ret->text));
    }
    sql_done(&call);
    return result == STORE_FAILED ? STORE_FAILED : STORE_DONE;
}

enum store_result store_write_bundle(struct store *store, int64_t seq, const char *text)
{
    return sql_run(&store->sql,
                   "INSERT INTO bundle (id, seq, change, text) VALUES (1, ?1, ?2, ?3)"
                   " ON CONFLICT (id) DO UPDATE SET seq = excluded.seq,"
                   " change = excluded.change, text = excluded.text",
                   SQL_VALUES(SQL_INT(seq), SQL_INT(store->published), SQL_TEXT(text)));
}
