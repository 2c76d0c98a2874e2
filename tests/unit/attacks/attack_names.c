/* Who the token says it is of. */
#include "tests/unit/attacks/attack.h"

#define X16 "xxxxxxxxxxxxxxxx"
#define X240 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16

/* sub, as JSON text without its quotes, the user who is asked for (NULL: any) and words. */
static const struct {
    const char *name, *sub, *user, *words;
    enum tok_err err;
} names[] = {
    {"the one asked for", "alice", "alice", NULL, TOK_OK},
    {"by escapes", "\\u0061lice", "alice", NULL, TOK_OK},
    {"any", "carol", NULL, NULL, TOK_OK},
    {"another", "carol", "alice", NULL, TOK_USER},
    {"in other case", "Alice", "alice", NULL, TOK_USER},
    {"in other case, asked for so", "Alice", "Alice", NULL, TOK_OK},
    {"one letter short", "alic", "alice", NULL, TOK_USER},
    {"one letter more", "alicee", "alice", NULL, TOK_USER},
    {"asked for as nobody", "alice", "", NULL, TOK_USER},
    /* An account must have these very bytes as its name (pam_jwt.so, jwtd-login): what is
     * TOK_OK below is no attack by its form. */
    {"a number", "1000", "1000", NULL, TOK_OK},
    {"zero", "0", NULL, NULL, TOK_OK},
    {"a number and a dollar", "1000$", NULL, NULL, TOK_OK},
    {"a number and a letter", "1000a", "1000a", NULL, TOK_OK},
    {"hexadecimal", "0x0", "0x0", NULL, TOK_OK},
    {"a sign and a number", "+0", NULL, NULL, TOK_OK},
    {"below zero", "-1", NULL, NULL, TOK_USER_NAME},
    {"a number in Arabic digits", "\\u0661\\u0660", NULL, NULL, TOK_OK},
    /* mail, domains, paths */
    {"a mail address", "alice@host", NULL, NULL, TOK_OK},
    {"a mail address, asked for so", "alice@host", "alice@host", NULL, TOK_OK},
    {"a domain and a name", "HOST\\\\alice", NULL, NULL, TOK_OK},
    {"a path", "../alice", NULL, NULL, TOK_USER_NAME},
    {"an absolute path", "/etc/passwd", NULL, NULL, TOK_USER_NAME},
    {"a slash behind", "alice/", NULL, NULL, TOK_USER_NAME},
    {"an escaped slash", "alice\\/x", NULL, NULL, TOK_USER_NAME},
    {"a dot", ".", NULL, NULL, TOK_USER_NAME},
    {"two dots", "..", NULL, NULL, TOK_USER_NAME},
    {"a dot and a dollar", ".$", NULL, NULL, TOK_OK},
    {"two dots and a dollar", "..$", NULL, NULL, TOK_OK},
    {"three dots", "...", "...", NULL, TOK_OK},
    {"a dot in front", ".alice", ".alice", NULL, TOK_OK},
    {"a name with a dot", "alice.b", "alice.b", NULL, TOK_OK},
    /* options and shell */
    {"an option", "-alice", NULL, NULL, TOK_USER_NAME},
    {"a long option", "--help", NULL, NULL, TOK_USER_NAME},
    {"a dash", "-", NULL, NULL, TOK_USER_NAME},
    {"a dash and a dollar", "-$", NULL, NULL, TOK_USER_NAME},
    {"a dash within", "a-b", "a-b", NULL, TOK_OK},
    {"an underscore in front", "_apt", "_apt", NULL, TOK_OK},
    {"a dollar behind", "host$", "host$", NULL, TOK_OK},
    {"a dollar in front", "$alice", NULL, NULL, TOK_OK},
    {"two dollars behind", "host$$", NULL, NULL, TOK_OK},
    {"a dollar alone", "$", NULL, NULL, TOK_OK},
    {"a substitution", "$(id)", NULL, NULL, TOK_OK},
    {"a backquote", "`id`", NULL, NULL, TOK_OK},
    {"a semicolon", "alice;id", NULL, NULL, TOK_OK},
    {"a colon", "alice:x:0:0", NULL, NULL, TOK_USER_NAME},
    {"a comma", "alice,root", NULL, NULL, TOK_OK},
    {"a star", "*", NULL, NULL, TOK_OK},
    {"a percent sign", "%staff", NULL, NULL, TOK_OK},
    {"a hash and a number", "#0", NULL, NULL, TOK_OK},
    {"a tilde", "~alice", NULL, NULL, TOK_OK},
    {"an exclamation mark", "!alice", NULL, NULL, TOK_OK},
    {"a quote", "al'ice", NULL, NULL, TOK_OK},
    {"a double quote", "al\\\"ice", NULL, NULL, TOK_OK},
    {"a plus", "alice+x", NULL, NULL, TOK_OK},
    {"an equals sign", "alice=x", NULL, NULL, TOK_OK},
    /* blanks and controls */
    {"empty", "", NULL, NULL, TOK_USER_NAME},
    {"empty, asked for so", "", "", NULL, TOK_USER_NAME},
    {"a blank", " ", NULL, NULL, TOK_USER_NAME},
    {"a blank in front", " alice", "alice", NULL, TOK_USER_NAME},
    {"a blank behind", "alice ", "alice", NULL, TOK_USER_NAME},
    {"a blank within", "al ice", NULL, NULL, TOK_USER_NAME},
    {"a tab", "alice\\t", NULL, NULL, TOK_USER_NAME},
    {"a newline behind", "alice\\n", "alice", NULL, TOK_USER_NAME},
    {"a newline and another", "alice\\nroot", NULL, NULL, TOK_USER_NAME},
    {"a return", "alice\\r", NULL, NULL, TOK_USER_NAME},
    {"a NUL behind", "alice\\u0000", "alice", NULL, TOK_USER_NAME},
    {"a NUL and more", "alice\\u0000root", "alice", NULL, TOK_USER_NAME},
    {"a NUL in front", "\\u0000alice", "alice", NULL, TOK_USER_NAME},
    {"a NUL alone", "\\u0000", "", NULL, TOK_USER_NAME},
    {"an escape sequence", "\\u001b[2Jalice", NULL, NULL, TOK_USER_NAME},
    {"a backspace", "alicex\\b", "alice", NULL, TOK_USER_NAME},
    {"DEL", "alice\\u007f", NULL, NULL, TOK_USER_NAME},
    /* beyond ASCII */
    {"an accent", "al\\u00edce", NULL, NULL, TOK_OK},
    {"Cyrillic a", "\\u0430lice", "alice", NULL, TOK_USER},
    {"fullwidth", "\\uff41lice", "alice", NULL, TOK_USER},
    {"right-to-left override", "\\u202ealice", NULL, NULL, TOK_USER_NAME},
    {"zero-width space", "alice\\u200b", "alice", NULL, TOK_USER_NAME},
    {"no-break space", "alice\\u00a0", "alice", NULL, TOK_USER_NAME},
    {"a byte order mark", "\\ufeffalice", "alice", NULL, TOK_USER_NAME},
    {"Kelvin sign", "\\u212alice", NULL, NULL, TOK_OK},
    {"long s", "\\u017fam", "sam", NULL, TOK_USER},
    {"a smile", "\\ud83d\\ude00", NULL, NULL, TOK_OK},
    /* length */
    {"255 letters", X240 "xxxxxxxxxxxxxxx", NULL, NULL, TOK_OK},
    {"256 letters", X240 "xxxxxxxxxxxxxxxx", NULL, NULL, TOK_USER_NAME},
    {"255 letters and a dollar", X240 "xxxxxxxxxxxxxxx$", NULL, NULL, TOK_USER_NAME},
    {"254 letters and a dollar", X240 "xxxxxxxxxxxxxx$", NULL, NULL, TOK_OK},
    {"480 letters", X240 X240, NULL, NULL, TOK_USER_NAME},
    {"one letter", "a", "a", NULL, TOK_OK},
    /* root */
    {"root", "root", "root", NULL, TOK_ROOT},
    {"root, of anybody", "root", NULL, NULL, TOK_ROOT},
    {"root by escapes", "\\u0072oot", "root", NULL, TOK_ROOT},
    {"root where it is allowed", "root", "root", "allow_root", TOK_OK},
    {"root by escapes where it is allowed", "r\\u006fot", "root", "allow_root", TOK_OK},
    {"root for another", "root", "alice", "allow_root", TOK_USER},
    {"another for root", "alice", "root", "allow_root", TOK_USER},
    {"Root for root", "Root", "root", "allow_root", TOK_USER},
    {"ROOT for root", "ROOT", "root", NULL, TOK_USER},
    {"Root, who is another", "Root", "Root", NULL, TOK_OK},
    {"root$ for root", "root$", "root", NULL, TOK_USER},
    {"root and a NUL", "root\\u0000", "root", "allow_root", TOK_USER_NAME},
    {"root and a blank", "root ", "root", "allow_root", TOK_USER_NAME},
    {"root in Cyrillic", "r\\u043e\\u043et", "root", "allow_root", TOK_USER},
    {"toor", "toor", "root", NULL, TOK_USER},
};

void attack_names(struct range *r)
{
    char header[HEADER_MAX], sub[1024];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(sub, sizeof(sub), "\"sub\":\"%s\"", names[i].sub);

        CLEANUP(cleanup_free) char *payload = range_payload("sub", sub);

        r->user = names[i].user;
        range_words(r, names[i].words);
        attack_signed(r, "user", names[i].name, text_slice(header), text_slice(payload),
                      names[i].err);
        range_words_reset(r);
    }
}
