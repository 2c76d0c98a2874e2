/* jwtctl config apply-names: Issuer= and Audience= of the settings are used from now on. */
#include "jwtctl/admin.h"
#include "jwtctl/arguments.h"
#include "jwtctl/command.h"
#include "jwtctl/json_c.h"
#include "jwtctl/output.h"
#include "jwtctl/terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int get_status(const char *command, const char *socket, struct json_object **ret)
{
    struct admin_answer answer;
    int status = admin_call(command, socket, WIRE_ADMIN_STATUS, NULL, &answer);

    if (!status && (answer.message.status != WIRE_OK ||
                    json_read(answer.message.v[0].text, ret) != TOK_OK)) {
        print_error("jwtd-issuer is of another release than jwtctl " JWT_VERSION);
        status = EXIT_FAILURE;
    }
    return status;
}

static bool has_audience(struct json_object *list, const char *name)
{
    for (size_t i = 0; i < json_length(list); i++)
        if (strcmp(json_text(json_object_array_get_idx(list, i)), name) == 0)
            return true;
    return false;
}

static void print_names(const char *heading, struct json_object *names)
{
    struct json_object *audience = json_member(names, "audience");

    printf("%s Issuer=", heading);
    print_word(json_member_text(names, "issuer"));
    printf(" Audience=");
    for (size_t i = 0; i < json_length(audience); i++) {
        printf(i > 0 ? " " : "");
        print_word(json_text(json_object_array_get_idx(audience, i)));
    }
    putchar('\n');
}

/* Audiences that no new token has. True when an audience stays. */
static bool print_lost(struct json_object *now, struct json_object *wanted)
{
    size_t lost = 0;

    for (size_t i = 0; i < json_length(now); i++) {
        const char *name = json_text(json_object_array_get_idx(now, i));

        if (has_audience(wanted, name))
            continue;
        lost++;
        printf("- Hosts of the audience ");
        print_word(name);
        puts(" accept no new token. Change Audience= there.");
    }
    return lost < json_length(now);
}

/* What the new names end. True when no session goes on: it is revoked, so that its tokens are
 * not valid again under the old names. */
static bool print_effect(struct json_object *status, struct json_object *wanted)
{
    const char *issuer = json_member_text(status, "issuer");
    bool same = strcmp(issuer, json_member_text(wanted, "issuer")) == 0;
    struct json_object *sessions = json_member(status, "sessions");
    int64_t live = 0, seq = 0;
    bool ends;

    (void)json_member_integer(sessions, "live", &live);
    (void)json_member_integer(json_member(status, "bundle"), "seq", &seq);
    print_names("In use:", status);
    print_names("New:   ", wanted);
    ends = !print_lost(json_member(status, "audience"), json_member(wanted, "audience"));
    ends = ends || !same;
    if (ends)
        printf("- All sessions are revoked (%s%" PRId64
               " live), and their tokens refused. Users log in again.\n",
               json_object_get_boolean(json_member(sessions, "more")) ? "at least " : "", live);
    else
        puts("- Sessions go on. Access tokens get the new names when they are refreshed.");
    if (!same && seq > 0)
        puts("- Hosts with jwtctl sync refuse the new bundle. On each: jwtctl sync --reset");
    if (!same)
        puts("- Other services that trust the issuer need the new name in their settings.");
    return ends;
}

static int confirm(bool yes)
{
    CLEANUP(secret_clear) struct secret answer = {0};
    struct errmsg errmsg;

    if (yes)
        return EXIT_SUCCESS;
    flush_output(EXIT_FAILURE);
    if (terminal_ask("Apply the new names (yes/no)? ", true, &answer, &errmsg) != TOK_OK)
        print_error("%s; to apply the names without a question: --yes", errmsg.text);
    else if (slice_is(secret_slice(&answer), "yes"))
        return EXIT_SUCCESS;
    else
        print_error("nothing was changed: the answer was not 'yes'");
    return EXIT_FAILURE;
}

int command_config_apply_names(int argc, char **argv)
{
    CLEANUP(cleanup_json) struct json_object *issuer = NULL;
    const char *socket = ADMIN_SOCKET;
    bool yes = false, revoke;
    const struct option_row options[] = {
        {"yes", .help = "apply them without a question", .flag = &yes},
        ADMIN_ROW(&socket),
        {0}};
    struct admin_answer answer;
    struct json_object *wanted;
    int status;

    arguments_parse(argc, argv, options, 0);
    status = get_status(argv[0], socket, &issuer);
    if (status)
        return status;
    wanted = json_member(issuer, "wanted");
    if (!wanted) {
        puts("Issuer= and Audience= are those in use. After a change of jwt.conf: systemctl "
             "reload jwtd-issuer");
        return EXIT_SUCCESS;
    }
    revoke = print_effect(issuer, wanted);
    status = confirm(yes);
    if (!status)
        status = admin_call(argv[0], socket, WIRE_ADMIN_APPLY_NAMES,
                            &(union wire_value){.number = revoke}, &answer);
    if (!status)
        printf("The new names are in use; %" PRIu64 " sessions revoked\n",
               answer.message.v[0].number);
    return status;
}
