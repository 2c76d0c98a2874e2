#include "pam_jwt/log.h"

#include <security/pam_ext.h>
#include <stdarg.h>
#include <string.h>
#include <syslog.h>

struct field {
    char text[128];
};

/* One word of key=value: whatever could end it, or fake another, is '?'. */
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

static const char *item(pam_handle_t *pamh, int type)
{
    const void *text = NULL;

    return pam_get_item(pamh, type, &text) == PAM_SUCCESS ? text : NULL;
}

static int priority(enum tok_err err)
{
    if (err == TOK_OK)
        return LOG_INFO;
    return tok_err_is_ours(err) ? LOG_ERR : LOG_NOTICE;
}

static const char *outcome(enum tok_err err)
{
    return tok_err_is_ours(err) ? "token not judged" : "token refused";
}

void log_verdict(pam_handle_t *pamh, const struct log_event *event)
{
    bool taken = event->err == TOK_OK;
    const char *detail = event->detail ? event->detail : tok_err_text(event->err);
    struct field service, user, host, tty, issuer, kid, jti, sid;

    pam_syslog(pamh, priority(event->err),
               "%s%s%s: service=%s user=%s rhost=%s tty=%s issuer=%s kid=%s jti=%s sid=%s "
               "reason=%s",
               taken ? "token accepted" : outcome(event->err), taken ? "" : ", ",
               taken ? "" : detail, as_field(event->service, &service),
               as_field(event->account ? event->account->pw_name : NULL, &user),
               as_field(item(pamh, PAM_RHOST), &host), as_field(item(pamh, PAM_TTY), &tty),
               as_field(event->issuer, &issuer), as_field(event->kid, &kid),
               as_field(event->jti, &jti), as_field(event->sid, &sid),
               event->reason ? event->reason : tok_err_word(event->err));
}

void log_debug(pam_handle_t *pamh, const struct options *o, const char *format, ...)
{
    va_list args;

    if (!o->debug)
        return;
    va_start(args, format);
    pam_vsyslog(pamh, LOG_DEBUG, format, args);
    va_end(args);
}
