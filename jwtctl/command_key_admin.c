/* jwtctl key rotate, key retire, key new-epoch: root changes the keys of jwtd-issuer. */
#include "common/jose/key.h"
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BUNDLE "bundle" /* in place of an algorithm */

static int rotate_refused(enum wire_status status, const char *alg)
{
    if (status == WIRE_NO_KEY)
        print_error("algorithm %s: expected one that can be used beside the existing keys "
                    "(HMAC secrets and key pairs cannot be mixed)",
                    alg[0] ? alg : "of the settings");
    else
        print_error("too many keys; to remove old ones: jwtctl key retire");
    return EXIT_FAILURE;
}

static int report_rotated(const struct wire_message *answer, const char *alg, bool json)
{
    CLEANUP(cleanup_json) struct json_object *object = NULL;
    struct slice kid = answer->v[0].text, old = answer->v[1].text;
    int64_t from = (int64_t)answer->v[2].number;
    char when[FORMAT_MAX];

    if (!json && old.n > 0) {
        printf(strcmp(alg, BUNDLE) == 0
                   ? "Key %.*s signs bundles now; hosts that trust %.*s accept it\n"
                   : "Key %.*s signs now; %.*s stays published until its last token has "
                     "expired\n",
               (int)kid.n, kid.p, (int)old.n, old.p);
        return EXIT_SUCCESS;
    }
    if (!json && from > 0) {
        printf("Key %.*s is published; it signs from %s on\n", (int)kid.n, kid.p,
               format_time(from, when));
        return EXIT_SUCCESS;
    }
    if (!json) {
        printf("Key %.*s is published; it will sign when Algorithm=%s is set\n", (int)kid.n,
               kid.p, alg);
        return EXIT_SUCCESS;
    }
    object = json_new_object();
    json_add_string(object, "kid", kid);
    json_add_string(object, "before", old.n > 0 ? old : (struct slice){0});
    json_add_bool(object, "signs", old.n > 0);
    if (from > 0)
        json_add_integer(object, "from", from);
    json_print(object);
    return EXIT_SUCCESS;
}

int command_key_rotate(int argc, char **argv)
{
    const char *socket = ADMIN_SOCKET, *alg = "";
    bool json = false, bundle = false;
    const struct option_row options[] = {
        {"alg", "ALG", "the algorithm; the default is that of the settings", .value = &alg},
        {"bundle", NULL, "create a key that signs bundles", .flag = &bundle},
        ADMIN_ROW(&socket),
        OPTION_OUTPUT(&json),
        {0}};
    struct admin_answer answer;
    int status;

    arguments_parse(argc, argv, options, 0);
    if (bundle && alg[0])
        bad_usage(argv[0], "--bundle: bundle keys are always EdDSA, without --alg");
    status =
        admin_call(argv[0], socket, WIRE_ADMIN_ROTATE,
                   (union wire_value[]){{.text = slice_of(alg)}, {.number = bundle}}, &answer);
    if (status)
        return status;
    if (answer.message.status != WIRE_OK)
        return rotate_refused(answer.message.status, alg);
    return report_rotated(&answer.message, bundle ? BUNDLE : alg, json);
}

/* A line for each {"kid","until"[,"from"]}. */
static void print_retired(struct json_object *list, bool removed)
{
    for (size_t i = 0; i < json_length(list); i++) {
        struct json_object *key = json_object_array_get_idx(list, i);
        char when[FORMAT_MAX];
        int64_t until, from;

        print_word(json_member_text(key, "kid"));
        if (!removed && json_member_integer(key, "from", &from))
            printf(" signs from %s on\n", format_time(from, when));
        else if (!removed && json_member_integer(key, "until", &until) &&
                 until > (int64_t)time(NULL))
            printf(
                " stays published until %s: until then a token that it signed may be valid\n",
                format_time(until, when));
        else
            puts(" retired");
    }
}

/* kid NULL: all keys were asked for; else the exit status says whether this one was retired. */
static int report_retired(struct slice text, const char *kid, bool bundle, bool json)
{
    CLEANUP(cleanup_json) struct json_object *answer = NULL;
    struct json_object *retired, *kept;

    if (json_read(text, &answer) != TOK_OK || !(kept = json_member(answer, "kept")) ||
        !(retired = json_member(answer, "retired"))) {
        print_error("jwtd-issuer is of another release than jwtctl " JWT_VERSION
                    "; install the same release");
        return EXIT_FAILURE;
    }
    if (json) {
        json_print(answer);
    } else {
        print_retired(retired, true);
        print_retired(kept, false);
    }
    if (json_length(retired) + json_length(kept) == 0 && !json) {
        if (!kid)
            puts("No old keys");
        else
            print_error("%s signs; to replace it: jwtctl key rotate%s", kid,
                        bundle ? " --bundle" : "");
    }
    return kid && (json_length(kept) > 0 || json_length(retired) == 0) ? EXIT_FAILURE
                                                                       : EXIT_SUCCESS;
}

/* One key id in 64 begins with a dash. Moves the first one from the arguments, where getopt
 * would take it for an option, to *ret_kid. Returns the number of the others. */
static int take_dashed(int argc, char **argv, const char **ret_kid)
{
    int kept = 1;

    for (int i = 1; i < argc; i++) {
        bool is_kid = argv[i][0] == '-' && strlen(argv[i]) == KEY_KID_LEN &&
                      strcmp(argv[i], "--socket") != 0 && strcmp(argv[i], "--bundle") != 0;

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
    const char *socket = ADMIN_SOCKET, *kid = NULL;
    bool json = false, now = false, bundle = false;
    const struct option_row options[] = {
        {"now", NULL, "remove this key and refuse its tokens at once", .flag = &now},
        {"bundle", NULL, "this key signed bundles", .flag = &bundle},
        ADMIN_ROW(&socket),
        OPTION_OUTPUT(&json),
        {0}};
    struct admin_answer answer;
    uint64_t how;
    int status;

    argc = take_dashed(argc, argv, &kid);
    arguments_parse(argc, argv, options, kid ? 0 : 1);
    if (!kid)
        kid = argv[optind];
    if (kid && !kid[0])
        bad_usage(argv[0], "expected a key id, found an empty argument");
    if (now && bundle)
        bad_usage(argv[0], "expected --now or --bundle, found both");
    if ((now || bundle) && !kid)
        bad_usage(argv[0], "%s: expected a key id", now ? "--now" : "--bundle");
    how = now ? WIRE_RETIRE_NOW : bundle ? WIRE_RETIRE_BUNDLE : WIRE_RETIRE_EXPIRED;
    status = admin_call(
        argv[0], socket, WIRE_ADMIN_RETIRE,
        (union wire_value[]){{.text = slice_of(kid ? kid : "")}, {.number = how}}, &answer);
    if (status)
        return status;
    if (answer.message.status == WIRE_OK)
        return report_retired(answer.message.v[0].text, kid, bundle, json);
    print_error("no such key: %s; to list them: jwtctl key list", kid ? kid : "");
    return EXIT_FAILURE;
}

int command_key_new_epoch(int argc, char **argv)
{
    const char *socket = ADMIN_SOCKET;
    bool json = false;
    const struct option_row options[] = {ADMIN_ROW(&socket), OPTION_OUTPUT(&json), {0}};
    struct admin_answer answer;
    int status;

    arguments_parse(argc, argv, options, 0);
    status = admin_call(argv[0], socket, WIRE_ADMIN_NEW_EPOCH, NULL, &answer);
    if (status)
        return status;
    printf(json ? "{\"epoch\":%" PRIu64 "}\n" : "Epoch %" PRIu64 "\n",
           answer.message.v[0].number);
    return EXIT_SUCCESS;
}
