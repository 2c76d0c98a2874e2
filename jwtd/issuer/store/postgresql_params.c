/* The values of parameters, in the binary format. */
#include "jwtd/issuer/store/postgresql.h"

#include <endian.h>
#include <stddef.h>
#include <string.h>

/* Types of parameters (pg_type.oid). */
enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_BYTEA_ARRAY = 1001 };

static void set_param(struct postgresql_params *params, Oid type, const void *value, size_t n)
{
    int i = params->n++;

    params->types[i] = type;
    params->values[i] = value ? value : "";
    params->lengths[i] = (int)n;
    params->formats[i] = 1;
}

static void set_ids(struct postgresql_params *params, const uint8_t *ids, size_t n)
{
    struct postgresql_ids *to = &params->ids;

    to->dimensions = to->first = htobe32(1);
    to->has_null = 0;
    to->type = htobe32(OID_BYTEA);
    to->n = htobe32((uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        to->at[i].len = htobe32(ISSUE_ID_BYTES);
        memcpy(to->at[i].id, ids + i * ISSUE_ID_BYTES, ISSUE_ID_BYTES);
    }
    set_param(params, OID_BYTEA_ARRAY, to,
              offsetof(struct postgresql_ids, at) + n * sizeof(to->at[0]));
}

void postgresql_fill(const struct sql_value *values, struct postgresql_params *ret)
{
    ret->n = 0;
    for (const struct sql_value *v = values; v && v->type != SQL_END; v++) {
        uint64_t *number = &ret->numbers[ret->n];

        *number = htobe64((uint64_t)v->number);
        if (v->type == SQL_IS_INT)
            set_param(ret, OID_INT8, number, sizeof(*number));
        else if (v->type == SQL_IS_TEXT)
            set_param(ret, OID_TEXT, v->p, strlen(v->p));
        else if (v->type == SQL_IS_IDS)
            set_ids(ret, v->p, (size_t)v->number);
        else
            set_param(ret, OID_BYTEA, v->p, (size_t)v->number);
    }
}
