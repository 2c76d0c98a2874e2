#include "jwtd/issuer/store/store_bundle.h"

#include "jwtd/issuer/store/store_internal.h"

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
