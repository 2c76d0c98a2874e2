#include "pam_jwt/report.h"

#include "pam_jwt/pam_code.h"

#include <security/pam_ext.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

struct field {
    char text[128];
};

/* One value of key=value: a character that could end it, or forge another key, becomes '?'. */
static const char *as_field(const char *text, struct field *room)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789.:/_%$@+-";
    size_t n = 0;

    if (!text || !*text)
        return "-";
    for (; text[n] && n < sizeof(room->text) - 1; n++)
        room->text[n] = strchr(plain, text[n]) ? text[n] : '?';
    room->text[n] = '\0';
    return room->text;
}

/* A valid user name cannot end a value either. */
static const char *user_field(const struct passwd *account, struct field *room)
{
    if (account && username_valid(slice_of(account->pw_name)))
        return account->pw_name;
    return as_field(account ? account->pw_name : NULL, room);
}

static const char *item(pam_handle_t *pamh, int type)
{
    const void *text = NULL;

    return pam_get_item(pamh, type, &text) == PAM_SUCCESS ? text : NULL;
}

static void log_result(const struct pam_call *call, const struct report *r)
{
    bool accepted = r->err == TOK_OK, ours = tok_err_is_ours(r->err);
    const char *event = accepted ? "token accepted"
                        : ours   ? "token verification error, "
                                 : "token refused, ";
    const char *detail = r->detail && *r->detail ? r->detail : tok_err_text(r->err);
    struct field service, user, host, tty, issuer, kid, jti, sid;

    pam_syslog(call->pamh,
               accepted ? LOG_INFO
               : ours   ? LOG_ERR
                        : LOG_NOTICE,
               "%s%s: service=%s user=%s rhost=%s tty=%s issuer=%s kid=%s jti=%s sid=%s "
               "reason=%s",
               event, accepted ? "" : detail, as_field(call->service, &service),
               user_field(call->account, &user), as_field(item(call->pamh, PAM_RHOST), &host),
               as_field(item(call->pamh, PAM_TTY), &tty), as_field(r->issuer, &issuer),
               as_field(r->kid, &kid), as_field(r->jti, &jti), as_field(r->sid, &sid),
               r->reason ? r->reason : tok_err_word(r->err));
}

void report_result(const struct pam_call *call, const struct report *r)
{
    bool silent = (call->flags & PAM_SILENT) != 0 || call->options->quiet;
    const char *shown =
        pam_code_is_shown(r->err, r->authentic) ? tok_err_text(r->err) : r->shown;

    log_result(call, r);
    if (!silent && shown)
        (void)pam_error(call->pamh, "pam_jwt: %s", shown);
}

void report_debug(const struct pam_call *call, const char *format, ...)
{
    va_list args;

    if (!call->options->debug)
        return;
    va_start(args, format);
    pam_vsyslog(call->pamh, LOG_DEBUG, format, args);
    va_end(args);
}
