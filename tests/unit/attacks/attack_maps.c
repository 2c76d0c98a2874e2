/* Who a user map makes of a user of the issuer. */
#include "common/token/usermap.h"
#include "tests/unit/attacks/attack.h"

/* sub as JSON text without its quotes, and the local user who is asked for. */
static const struct {
    const char *name, *map, *sub, *user;
    enum tok_err err;
} maps[] = {
    /* quoted values */
    {"a quoted value", "\"Ann Lee\" alice", "Ann Lee", "alice", TOK_OK},
    {"a quoted value, one word of it", "\"Ann Lee\" alice", "Ann", "alice", TOK_UNMAPPED},
    {"a quoted value, with its quotes", "\"Ann Lee\" alice", "\\\"Ann Lee\\\"", "alice",
     TOK_UNMAPPED},
    {"a quoted value, two spaces", "\"Ann Lee\" alice", "Ann  Lee", "alice", TOK_UNMAPPED},
    {"a quoted value, no-break space", "\"Ann Lee\" alice", "Ann\\u00a0Lee", "alice",
     TOK_UNMAPPED},
    {"a quoted value and a NUL", "\"Ann Lee\" alice", "Ann Lee\\u0000", "alice", TOK_UNMAPPED},
    {"a value that looks like a line", "ann alice", "ann alice", "alice", TOK_UNMAPPED},
    {"a value with a newline and a line", "ann alice", "x\\nhttps://host ann", "alice",
     TOK_UNMAPPED},
    /* folded names */
    {"folded", "BOSS@x alice fold", "boss@X", "alice", TOK_OK},
    {"not folded", "BOSS@x alice", "boss@x", "alice", TOK_UNMAPPED},
    {"folded, Kelvin sign for k", "kim@x alice fold", "\\u212aim@x", "alice", TOK_UNMAPPED},
    {"folded, long s for s", "sam@x alice fold", "\\u017fam@x", "alice", TOK_UNMAPPED},
    {"folded, dotless i for I", "ian@x alice fold", "\\u0131an@x", "alice", TOK_UNMAPPED},
    {"folded, an accent in other case", "j\xc3\xbcrgen@x alice fold", "J\\u00dcRGEN@x", "alice",
     TOK_UNMAPPED},
    {"folded, composed otherwise", "j\xc3\xbcrgen@x alice fold", "ju\\u0308rgen@x", "alice",
     TOK_UNMAPPED},
    {"a star, folded", "*@x * fold", "ALICE@x", "alice", TOK_OK},
    {"a star, not folded", "*@x *", "ALICE@x", "alice", TOK_USER},
    {"a star folded to root", "*@x * fold", "ROOT@x", "root", TOK_ROOT},
    {"root and the Kelvin sign", "*@x * fold", "\\u212aim@x", "kim", TOK_USER},
    /* two names that fold to one: the first line decides, and the letters as they are do not */
    {"two names that fold to one, the first", "boss@x bob fold\nhttps://host BOSS@x alice",
     "BOSS@x", "alice", TOK_USER},
    {"two names that fold to one, who it is", "boss@x bob fold\nhttps://host BOSS@x alice",
     "BOSS@x", "bob", TOK_OK},
    {"two names, the exact line first", "BOSS@x alice\nhttps://host boss@x bob fold", "BOSS@x",
     "alice", TOK_OK},
    {"two names, the other case", "BOSS@x alice\nhttps://host boss@x bob fold", "Boss@x",
     "alice", TOK_USER},
    {"an exact line behind a star", "*@x *\nhttps://host carol@x alice", "carol@x", "alice",
     TOK_USER},
    /* what a star stands for */
    {"a domain in other case", "*@Corp.Example *", "alice@corp.EXAMPLE", "alice", TOK_OK},
    {"a domain with more behind", "*@corp.example *", "alice@corp.example.evil", "alice",
     TOK_UNMAPPED},
    {"a domain with more in front", "*@corp.example *", "alice@evilcorp.example", "alice",
     TOK_UNMAPPED},
    {"two domains", "*@corp.example *", "alice@evil@corp.example", "alice", TOK_UNMAPPED},
    {"a domain and a final dot", "*@corp.example *", "alice@corp.example.", "alice",
     TOK_UNMAPPED},
    {"a fullwidth at sign", "*@corp.example *", "alice\\uff20corp.example", "alice",
     TOK_UNMAPPED},
    {"part of a path", "repo:* ci", "repo:a/b", "ci", TOK_UNMAPPED},
    {"a star of nothing", "*@x *", "@x", "", TOK_UNMAPPED},
    {"a star of root", "*@x *", "root@x", "root", TOK_ROOT},
    {"a star of digits", "*@x *", "0@x", "0", TOK_UNMAPPED},
    {"a star of a machine", "*@x *", "web$@x", "web$", TOK_UNMAPPED},
    {"a star of an option", "*@x *", "-rf@x", "-rf", TOK_USER_NAME},
    {"a star in the claim itself", "carol@x alice", "*@x", "alice", TOK_UNMAPPED},
    /* another issuer's line, and numbers */
    {"a line of another issuer", "x y\nhttps://host/ carol alice", "carol", "alice",
     TOK_UNMAPPED},
    {"a number for digits as text", "1001 alice", "1001", "alice", TOK_OK},
    {"digits of another form", "1001 alice", "01001", "alice", TOK_UNMAPPED},
};

void attack_maps(struct range *r)
{
    char header[HEADER_MAX], sub[256], text[256];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
        CLEANUP(usermap_clear) struct usermap map = {0};
        CLEANUP(cleanup_free) char *payload = NULL;
        struct errmsg errmsg = {""};

        (void)snprintf(text, sizeof(text), "https://host %s\n", maps[i].map);
        ck_assert_msg(usermap_parse("map", text_slice(text), &map, &errmsg) == TOK_OK, "%s",
                      errmsg.text);
        (void)snprintf(sub, sizeof(sub), "\"sub\":\"%s\"", maps[i].sub);
        payload = range_payload("sub", sub);
        r->user = maps[i].user;
        r->map = &map;
        attack_signed(r, "map", maps[i].name, text_slice(header), text_slice(payload),
                      maps[i].err);
        r->map = NULL;
    }
}
