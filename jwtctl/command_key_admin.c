/* jwtctl key rotate, key retire: root has jwtd-issuer change the key that signs. */
#include "common/base/cleanup.h"
#include "common/jose/key.h"
#include "common/json/json.h"
#include "jwtctl/admin.h"
#include "jwtctl/command.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int refused(const struct admin_options *o, enum wire_status status)
{
    if (status == WIRE_NO_KEY)
        complain(
            "'%s' is no algorithm that can sign beside the keys there are (secrets, HS, and "
            "pairs don't mix)",
            o->alg ? o->alg : "");
    else
        complain("there are too many keys: see jwtctl key retire");
    return EXIT_FAILURE;
}

static int report(const struct slice kid, const struct slice old, const struct admin_options *o)
{
    CLEANUP(text_clear) struct text line = {0};

    if (!o->json && old.n > 0) {
        printf("Key %.*s signs; %.*s stays published until its last token has expired\n",
               (int)kid.n, kid.p, (int)old.n, old.p);
        return EXIT_SUCCESS;
    }
    if (!o->json) {
        printf("Key %.*s is published; it signs when Algorithm=%s is set\n", (int)kid.n, kid.p,
               o->alg);
        return EXIT_SUCCESS;
    }
    text_puts(&line, "{\"kid\":");
    text_json(&line, kid);
    text_puts(&line, ",\"before\":");
    if (old.n > 0)
        text_json(&line, old);
    else
        text_puts(&line, "null");
    text_puts(&line, old.n > 0 ? ",\"signs\":true}" : ",\"signs\":false}");
    return text_print_line(&line) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_key_rotate(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"alg", required_argument, NULL, 'g'},
                                            {"socket", required_argument, NULL, 's'},
                                            {0}};
    struct admin_answer answer;
    struct admin_options o;
    int status = admin_parse(argc, argv, options, 0, &o);

    if (status)
        return status;
    if (!admin_request(argv[0], &o, WIRE_ADMIN_ROTATE,
                       (union wire_value[]){{.text = slice_of(o.alg ? o.alg : "")}}, &answer))
        return EXIT_FAILURE;
    if (answer.message.status != WIRE_OK)
        return refused(&o, answer.message.status);
    return report(answer.message.v[0].text, answer.message.v[1].text, &o);
}

/* The lines of one list of {"kid","until"}; how many. */
static size_t say_keys(const struct scan_value *list)
{
    struct scan_value key;
    size_t pos = 0, n = 0;

    while (list && scan_next_element(*list, &pos, &key)) {
        CLEANUP(text_clear) struct text kid = {0};
        struct scan_member m[4];
        const struct scan_value *name, *until;
        char when[SAY_MAX];
        size_t members;
        int64_t t;

        n++;
        if (scan_object(key.text, m, 4, &members, NULL) != TOK_OK ||
            !(name = scan_find(m, members, "kid")))
            continue;
        until = scan_find(m, members, "until");
        text_plain(&kid, scan_string_raw(*name));
        if (until && scan_integer(*until, &t) == TOK_OK && t > (int64_t)time(NULL))
            printf("%.*s stays until %s: a token of it may live as long\n", (int)kid.n,
                   text_slice(&kid).p, say_time(t, when));
        else
            printf("%.*s is retired\n", (int)kid.n, text_slice(&kid).p);
    }
    return n;
}

/* With a key named, 1 when it stays. */
static int report_fates(struct slice json, const char *kid, const struct admin_options *o)
{
    CLEANUP(text_clear) struct text line = {0};
    struct scan_member m[8];
    const struct scan_value *kept;
    struct scan_value element;
    size_t n, pos = 0, retired, stay;
    bool stays;

    if (scan_object(json, m, 8, &n, NULL) != TOK_OK || !(kept = scan_find(m, n, "kept")) ||
        !scan_find(m, n, "retired")) {
        complain("jwtd-issuer gave an answer that is none: it is of another release");
        return EXIT_FAILURE;
    }
    stays = scan_next_element(*kept, &pos, &element);
    pos = 0;
    if (o->json) {
        text_add(&line, json);
        if (!text_print_line(&line))
            return EXIT_FAILURE;
        return kid && (stays || !scan_next_element(*scan_find(m, n, "retired"), &pos, &element))
                   ? EXIT_FAILURE
                   : EXIT_SUCCESS;
    }
    retired = say_keys(scan_find(m, n, "retired"));
    stay = say_keys(kept);
    if (retired + stay > 0)
        return kid && stay > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    if (!kid) {
        puts("There is no old key");
        return EXIT_SUCCESS;
    }
    complain("%s is the key that signs: jwtctl key rotate makes another sign", kid);
    return EXIT_FAILURE;
}

/* One id in 64 begins with a dash, and is no option for that. Takes it out of the arguments,
 * the count of which is returned; *ret_kid stays as it is when there is none. */
static int take_dashed(int argc, char **argv, const char **ret_kid)
{
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        bool is_kid = argv[i][0] == '-' && strlen(argv[i]) == KEY_KID_LEN &&
                      strcmp(argv[i], "--socket") != 0;

        if (is_kid && !*ret_kid)
            *ret_kid = argv[i];
        else
            argv[kept++] = argv[i];
    }
    argv[kept] = NULL;
    return kept;
}

int command_key_retire(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"socket", required_argument, NULL, 's'}, {0}};
    struct admin_answer answer;
    struct admin_options o;
    const char *kid = NULL;
    int status;

    argc = take_dashed(argc, argv, &kid);
    status = admin_parse(argc, argv, options, kid ? 0 : 1, &o);
    if (status)
        return status;
    if (!kid)
        kid = argv[optind];
    if (kid && !kid[0])
        return complain_usage(argv[0], "the key's id is empty");
    if (!admin_request(argv[0], &o, WIRE_ADMIN_RETIRE,
                       (union wire_value[]){{.text = slice_of(kid ? kid : "")}}, &answer))
        return EXIT_FAILURE;
    if (answer.message.status == WIRE_OK)
        return report_fates(answer.message.v[0].text, kid, &o);
    complain("there is no key %s: see jwtctl key list", kid ? kid : "");
    return EXIT_FAILURE;
}
