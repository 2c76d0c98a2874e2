/* Prints the wire's table, a JSON array with an object per request, for test_takeover.py.
 */
#include "jwtd/shared/wire.h"

#include <stdio.h>

static const char *role(enum wire_role r)
{
    switch (r) {
    case WIRE_FRONT:
        return "front";
    case WIRE_ISSUER:
        return "issuer";
    case WIRE_LOGIN:
        return "login";
    case WIRE_ADMIN:
        return "admin";
    }
    return "";
}

static const char *kind(enum wire_kind k)
{
    switch (k) {
    case WIRE_TEXT:
        return "text";
    case WIRE_BYTES:
        return "bytes";
    case WIRE_NUMBER:
        return "number";
    }
    return "";
}

static void print_fields(const char *name, const struct wire_field *fields, size_t n)
{
    (void)printf(",\"%s\":[", name);
    for (size_t i = 0; i < n; i++)
        (void)printf("%s{\"name\":\"%s\",\"kind\":\"%s\",\"max\":%zu}", i ? "," : "",
                     fields[i].name, kind(fields[i].kind), fields[i].max);
    (void)printf("]");
}

static void print_statuses(void)
{
    (void)printf("\"statuses\":[");
    for (int s = 0; s < WIRE_STATUS_COUNT; s++)
        (void)printf("%s\"%s\"", s ? "," : "", wire_status_word((enum wire_status)s));
    (void)printf("]");
}

int main(void)
{
    const char *comma = "";

    (void)printf("{");
    print_statuses();
    (void)printf(",\"requests\":[");
    for (unsigned op = 0; op < 256; op++) {
        const struct wire_request *q = wire_find(op);

        if (!q)
            continue;
        (void)printf("%s{\"op\":%u,\"name\":\"%s\",\"asker\":\"%s\",\"answerer\":\"%s\"", comma,
                     op, q->name, role(q->asker), role(q->answerer));
        print_fields("fields", q->fields, q->n_fields);
        print_fields("answer", q->answer, q->n_answer);
        (void)printf("}");
        comma = ",";
    }
    (void)printf("]}\n");
    return 0;
}
