/* Claims of the wrong type, of the wrong value, and twice. */
#include "tests/unit/attacks/attack.h"

/* A value of each JSON type, and what each claim may be. */
enum type { NUL, BOOLEAN, NUMBER, STRING, ARRAY, OBJECT, TYPES };

static const struct {
    const char *name, *text;
} values[TYPES][3] = {
    [NUL] = {{"null", "null"}},
    [BOOLEAN] = {{"true", "true"}, {"false", "false"}},
    [NUMBER] = {{"a number", "1700000900"}, {"zero", "0"}},
    [STRING] = {{"a number in a string", "\"1700000900\""}, {"an empty string", "\"\""}},
    [ARRAY] = {{"an empty array", "[]"},
               {"an array of numbers", "[1700000900]"},
               {"an array of a string and null", "[\"host\",null]"}},
    [OBJECT] = {{"an empty object", "{}"}, {"an object", "{\"host\":\"host\"}"}},
};

#define IS(type) (1U << (type))

static const struct {
    const char *claim;
    unsigned types;
    const char *right; /* a value that is taken */
} typed[] = {
    {"exp", IS(NUMBER), "1700000900"},
    {"nbf", IS(NUMBER), "1700000000"},
    {"iat", IS(NUMBER), "1700000000"},
    {"iss", IS(STRING), "\"https://host\""},
    {"sub", IS(STRING), "\"alice\""},
    {"jti", IS(STRING), "\"j\""},
    {"sid", IS(STRING), "\"s\""},
    {"token_type", IS(STRING), "\"access\""},
    {"scope", IS(STRING) | IS(ARRAY) | IS(NUL), "[\"openid\",\"pam:sshd\"]"},
    {"gen", IS(NUMBER), "3"},
    {"one_time", IS(BOOLEAN), "false"},
    /* aud may be an array, but of strings alone: the empty one holds none of ours. */
    {"aud", IS(STRING), "[\"other\",\"host\"]"},
    /* cnf may be an object, and is then refused for what it says. */
    {"cnf", IS(OBJECT), NULL},
};

static void check_claim(struct range *r, const char *group, const char *name, const char *claim,
                        const char *value, enum tok_err want)
{
    char header[HEADER_MAX], more[512], full[128];

    (void)snprintf(more, sizeof(more), "\"%s\":%s", claim, value);
    (void)snprintf(full, sizeof(full), "%s %s", claim, name);

    CLEANUP(cleanup_free) char *payload = range_payload(claim, more);

    attack_signed(r, group, full, text_slice(range_header("EdDSA", header)),
                  text_slice(payload), want);
}

void attack_types(struct range *r)
{
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        for (enum type type = NUL; type < TYPES; type++)
            for (size_t v = 0; v < 3 && values[type][v].name; v++) {
                bool empty_aud = strcmp(typed[i].claim, "aud") == 0 && type == ARRAY && v == 0;

                if (!(typed[i].types & IS(type)))
                    check_claim(r, "type", values[type][v].name, typed[i].claim,
                                values[type][v].text,
                                empty_aud ? TOK_AUDIENCE : TOK_CLAIM_TYPE);
            }
        if (typed[i].right)
            check_claim(r, "type", "right", typed[i].claim, typed[i].right, TOK_OK);
    }
}

/* Claims in place of those called `but`, and the same corrected; NULL: nothing to mend. */
static const struct {
    const char *name, *but, *wrong, *corrected, *words;
    enum tok_err err;
} claims[] = {
    /* missing */
    {"no exp", "exp", "", NULL, NULL, TOK_MISSING},
    {"no iat", "iat", "", NULL, NULL, TOK_MISSING},
    {"no iat, though not asked, and far exp", "exp iat", "\"exp\":1700086501",
     "\"exp\":1700086500", "require=sub", TOK_LIFETIME},
    {"no iss", "iss", "", NULL, NULL, TOK_MISSING},
    {"no sub", "sub", "", NULL, NULL, TOK_MISSING},
    {"no aud", "aud", "", NULL, NULL, TOK_MISSING},
    {"no exp, though not asked", "exp", "", "\"exp\":1700000900", "require=sub", TOK_MISSING},
    {"no iss, though not asked", "iss", "", "\"iss\":\"https://host\"", "require=sub",
     TOK_ISSUER},
    {"no aud, though not asked", "aud", "", "\"aud\":\"host\"", "require=sub", TOK_AUDIENCE},
    {"no sub, though not asked", "sub", "", "\"sub\":\"alice\"", "require=exp", TOK_MISSING},
    {"no token_type", "token_type", "", "\"token_type\":\"access\"", NULL, TOK_TYPE},
    {"no sid where it is asked", "sid", "", "\"sid\":\"s\"", "require=sid", TOK_MISSING},
    {"no claim that is asked", NULL, "", "\"x\":1", "require=x", TOK_MISSING},
    {"a claim that is asked, null", NULL, "\"x\":null", "\"x\":false", "require=x",
     TOK_MISSING},
    {"EXP for exp", "exp", "\"EXP\":1700000900", "\"exp\":1700000900", NULL, TOK_MISSING},
    {"exp with a NUL in its name", "exp", "\"exp\\u0000\":1700000900",
     "\"ex\\u0070\":1700000900", NULL, TOK_MISSING},
    {"exp within an object", "exp", "\"x\":{\"exp\":1700000900}",
     "\"x\":{\"exp\":1},\"exp\":1700000900", NULL, TOK_MISSING},
    {"sub with a space in its name", "sub", "\"sub \":\"alice\"", "\"sub\":\"alice\"", NULL,
     TOK_MISSING},
    {"Cyrillic s in sub", "sub", "\"\\u0455ub\":\"alice\"", "\"\\u0073ub\":\"alice\"", NULL,
     TOK_MISSING},
    /* iss */
    {"iss of another", "iss", "\"iss\":\"https://other\"", NULL, NULL, TOK_ISSUER},
    {"iss with a slash more", "iss", "\"iss\":\"https://host/\"", NULL, NULL, TOK_ISSUER},
    {"iss in other case", "iss", "\"iss\":\"https://HOST\"", NULL, NULL, TOK_ISSUER},
    {"iss with a port", "iss", "\"iss\":\"https://host:443\"", NULL, NULL, TOK_ISSUER},
    {"iss with a NUL", "iss", "\"iss\":\"https://host\\u0000\"", NULL, NULL, TOK_ISSUER},
    {"iss with a NUL and more", "iss", "\"iss\":\"https://host\\u0000.evil\"", NULL, NULL,
     TOK_ISSUER},
    {"iss with a space", "iss", "\"iss\":\" https://host\"", NULL, NULL, TOK_ISSUER},
    {"iss the start of ours", "iss", "\"iss\":\"https://hos\"", NULL, NULL, TOK_ISSUER},
    {"iss that starts with ours", "iss", "\"iss\":\"https://host.evil\"", NULL, NULL,
     TOK_ISSUER},
    {"iss of http", "iss", "\"iss\":\"http://host\"", NULL, NULL, TOK_ISSUER},
    {"iss empty", "iss", "\"iss\":\"\"", NULL, NULL, TOK_ISSUER},
    {"iss a list", "iss", "\"iss\":[\"https://host\"]", "\"iss\":\"https:\\/\\/host\"", NULL,
     TOK_CLAIM_TYPE},
    {"iss of two words", "iss", "\"iss\":\"https://host https://other\"", NULL, NULL,
     TOK_ISSUER},
    /* aud */
    {"aud of another", "aud", "\"aud\":\"other\"", "\"aud\":\"h\\u006fst\"", NULL,
     TOK_AUDIENCE},
    {"aud empty", "aud", "\"aud\":\"\"", NULL, NULL, TOK_AUDIENCE},
    {"aud of none", "aud", "\"aud\":[]", "\"aud\":[\"host\"]", NULL, TOK_AUDIENCE},
    {"aud of others", "aud", "\"aud\":[\"a\",\"b\"]", "\"aud\":[\"a\",\"host\",\"b\"]", NULL,
     TOK_AUDIENCE},
    {"aud in an array within", "aud", "\"aud\":[[\"host\"]]", NULL, NULL, TOK_CLAIM_TYPE},
    {"aud in an object", "aud", "\"aud\":{\"host\":true}", NULL, NULL, TOK_CLAIM_TYPE},
    {"aud and a number", "aud", "\"aud\":[\"host\",1]", "\"aud\":[\"host\",\"1\"]", NULL,
     TOK_CLAIM_TYPE},
    {"aud and null", "aud", "\"aud\":[null,\"host\"]", NULL, NULL, TOK_CLAIM_TYPE},
    {"aud parted by commas", "aud", "\"aud\":\"host,other\"", NULL, NULL, TOK_AUDIENCE},
    {"aud parted by a space", "aud", "\"aud\":\"host other\"", NULL, NULL, TOK_AUDIENCE},
    {"aud in other case", "aud", "\"aud\":\"HOST\"", NULL, NULL, TOK_AUDIENCE},
    {"aud with a NUL", "aud", "\"aud\":\"host\\u0000\"", NULL, NULL, TOK_AUDIENCE},
    {"aud with a NUL in front", "aud", "\"aud\":[\"\\u0000host\"]", NULL, NULL, TOK_AUDIENCE},
    {"aud a star", "aud", "\"aud\":\"*\"", NULL, NULL, TOK_AUDIENCE},
    {"aud the issuer", "aud", "\"aud\":\"https://host\"", NULL, NULL, TOK_AUDIENCE},
    {"aud of the second of two", "aud", "\"aud\":\"third\"", "\"aud\":\"second\"",
     "audience=first,second", TOK_AUDIENCE},
    /* token_type */
    {"a refresh token", "token_type", "\"token_type\":\"refresh\"", NULL, NULL, TOK_TYPE},
    {"a sliding token", "token_type", "\"token_type\":\"sliding\"", NULL, NULL, TOK_TYPE},
    {"token_type empty", "token_type", "\"token_type\":\"\"", NULL, NULL, TOK_TYPE},
    {"token_type Access", "token_type", "\"token_type\":\"Access\"", NULL, NULL, TOK_TYPE},
    {"token_type with a NUL", "token_type", "\"token_type\":\"access\\u0000\"",
     "\"token_type\":\"acces\\u0073\"", NULL, TOK_TYPE},
    {"token_type and a space", "token_type", "\"token_type\":\"access \"", NULL, NULL,
     TOK_TYPE},
    /* what words ask */
    {"a claim of another value", NULL, "\"grp\":\"users\"", "\"grp\":\"staff\"",
     "claim=grp:staff", TOK_CLAIM},
    {"a claim that is not there", NULL, "", "\"grp\":\"staff\"", "claim=grp:staff", TOK_CLAIM},
    {"a list without the value", NULL, "\"grp\":[\"staffx\",\"x\"]",
     "\"grp\":[\"x\",\"\\u0073taff\"]", "claim=grp:staff", TOK_CLAIM},
    {"a list that spells the values", NULL, "\"grp\":\"[\\\"staff\\\"]\"",
     "\"grp\":[\"staff\"]", "claim=grp:staff", TOK_CLAIM},
    {"a list in a list", NULL, "\"grp\":[[\"staff\"]]", "\"grp\":[[],\"staff\"]",
     "claim=grp:staff", TOK_CLAIM},
    {"an empty list", NULL, "\"grp\":[]", "\"grp\":\"staff\"", "claim=grp:staff", TOK_CLAIM},
    {"a member of that name in a list", NULL, "\"grp\":[{\"staff\":true}]",
     "\"grp\":[null,\"staff\"]", "claim=grp:staff", TOK_CLAIM},
    {"a list of null", NULL, "\"grp\":[null]", "\"grp\":[\"null\"]", "claim=grp:null",
     TOK_CLAIM},
    {"a path as one name", NULL, "\"a.b\":\"staff\"", "\"a\":{\"b\":\"staff\"}",
     "claim=a.b:staff", TOK_CLAIM},
    {"one name as a path", NULL, "\"a\":{\"b\":\"staff\"}", "\"a.b\":\"staff\"",
     "claim=\"a.b\":staff", TOK_CLAIM},
    {"a level more", NULL, "\"x\":{\"a\":{\"b\":\"staff\"}}", "\"a\":{\"b\":[\"staff\"]}",
     "claim=a.b:staff", TOK_CLAIM},
    {"a level less", NULL, "\"b\":\"staff\"", "\"a\":[{\"b\":1},{\"b\":\"staff\"}]",
     "claim=a.b:staff", TOK_CLAIM},
    {"the object, not its member", NULL, "\"a\":\"staff\"", "\"a\":{\"b\":\"staff\"}",
     "claim=a.b:staff", TOK_CLAIM},
    {"a NUL in a name of the path", NULL, "\"a\":{\"b\\u0000\":\"staff\"}",
     "\"\\u0061\":{\"\\u0062\":\"staff\"}", "claim=a.b:staff", TOK_CLAIM},
    {"a role of another client", NULL,
     "\"resource_access\":{\"other\":{\"roles\":[\"ssh\"]},\"my-app\":{\"roles\":[]}}",
     "\"resource_access\":{\"my-app\":{\"roles\":[\"ssh\"]}}",
     "claim=resource_access.my-app.roles:ssh", TOK_CLAIM},
    {"none of several values", NULL, "\"grp\":\"staff,ops\"", "\"grp\":[\"x\",\"ops\"]",
     "claim=grp:\"staff\",\"ops\"", TOK_CLAIM},
    {"a URL's claim of another value", NULL, "\"https://h/r\":\"x\"", "\"https://h/r\":[\"a\"]",
     "claim=https://h/r:a", TOK_CLAIM},
    {"a client in aud", NULL, "\"azp\":\"other\"", "\"azp\":\"host\"", "audience_claim=azp",
     TOK_AUDIENCE},
    {"a client that is a number", NULL, "\"azp\":1", "\"azp\":[\"x\",\"host\"]",
     "audience_claim=azp", TOK_CLAIM_TYPE},
    {"no client, and aud", NULL, "", "\"azp\":\"host\"", "audience_claim=azp require=exp",
     TOK_AUDIENCE},
    {"a claim null, asked as text", NULL, "\"grp\":null", "\"grp\":\"null\"", "claim=grp:null",
     TOK_CLAIM},
    {"a claim with a NUL", NULL, "\"grp\":\"staff\\u0000\"", "\"grp\":\"staff\"",
     "claim=grp:staff", TOK_CLAIM},
    {"a claim of a number spelled otherwise", NULL, "\"n\":1.0", "\"n\":1", "claim=n:1",
     TOK_CLAIM},
    {"one claim of two", NULL, "\"a\":\"1\"", "\"a\":\"1\",\"b\":\"2\"", "claim=a:1 claim=b:2",
     TOK_CLAIM},
    /* cnf, one_time, scope */
    {"bound by jkt", NULL, "\"cnf\":{\"jkt\":\"x\"}", NULL, NULL, TOK_BOUND},
    {"bound by nothing", NULL, "\"cnf\":{}", "\"x\":{\"cnf\":{}}", NULL, TOK_BOUND},
    {"for once", NULL, "\"one_time\":true", "\"one_time\":false", NULL, TOK_ONE_TIME},
    {"for another service", NULL, "\"scope\":\"pam:sudo\"", "\"scope\":\"pam:sudo pam:sshd\"",
     NULL, TOK_SCOPE},
    {"for another service of its beginning", NULL, "\"scope\":\"pam:sshd-x pam:ssh\"",
     "\"scope\":\"pam:*\"", NULL, TOK_SCOPE},
    {"for a service in other case", NULL, "\"scope\":\"pam:SSHD\"", "\"scope\":\"PAM:x\"", NULL,
     TOK_SCOPE},
    {"for no service", NULL, "\"scope\":\"pam:\"", "\"scope\":\"pam\"", NULL, TOK_SCOPE},
    {"for a service with a NUL", NULL, "\"scope\":\"pam:sshd\\u0000\"",
     "\"scope\":\"pam:ssh\\u0064\"", NULL, TOK_SCOPE},
    {"for a service behind a tab", NULL, "\"scope\":\"pam:x\\tpam:sshd\"",
     "\"scope\":\"pam:x pam:sshd\"", NULL, TOK_SCOPE},
    {"for another service in a list", NULL, "\"scope\":[\"openid\",\"pam:sudo\"]",
     "\"scope\":[\"pam:sudo\",\"pam:sshd\"]", NULL, TOK_SCOPE},
    {"for another service as a word of an element", NULL, "\"scope\":[\"openid pam:sudo\"]",
     "\"scope\":[\"openid\"]", NULL, TOK_SCOPE},
    {"a scope of numbers", NULL, "\"scope\":[1]", "\"scope\":[]", NULL, TOK_CLAIM_TYPE},
    {"a scope in an object", NULL, "\"scope\":{\"pam:sshd\":1}", "\"scope\":null", NULL,
     TOK_CLAIM_TYPE},
    {"of an empty list where one is asked", NULL, "\"scope\":[]", "\"scope\":[\"pam:sshd\"]",
     "scope=required", TOK_SCOPE},
    {"of null where one is asked", NULL, "\"scope\":null", "\"scope\":\"pam:*\"",
     "scope=required", TOK_SCOPE},
    {"that ends as it begins", "exp iat", "\"exp\":1700000099,\"iat\":1700000099",
     "\"exp\":1700000100,\"iat\":1700000099", "leeway=300", TOK_CLAIM},
    {"that ends before it begins", "exp iat", "\"exp\":1700000101,\"iat\":1700000102",
     "\"exp\":1700000103,\"iat\":1700000102", "leeway=300", TOK_CLAIM},
    {"of no scope where one is asked", NULL, "", "\"scope\":\"pam:sshd\"", "scope=required",
     TOK_SCOPE},
    {"of another scope where one is asked", NULL, "\"scope\":\"openid\"",
     "\"scope\":\"openid pam:*\"", "scope=required", TOK_SCOPE},
    /* another user claim */
    {"the user in sub, not in uid", NULL, "\"uid\":\"carol\"", "\"uid\":\"alice\"",
     "user_claim=uid", TOK_USER},
    {"no uid", NULL, "", "\"uid\":\"alice\"", "user_claim=uid", TOK_MISSING},
    {"uid a number", NULL, "\"uid\":1000", NULL, "user_claim=uid", TOK_CLAIM_TYPE},
    {"uid null", NULL, "\"uid\":null", NULL, "user_claim=uid", TOK_CLAIM_TYPE},
    {"uid a list", NULL, "\"uid\":[\"alice\"]", NULL, "user_claim=uid", TOK_CLAIM_TYPE},
};

void attack_claims(struct range *r)
{
    char header[HEADER_MAX];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
        CLEANUP(cleanup_free) char *wrong = range_payload(claims[i].but, claims[i].wrong);
        CLEANUP(cleanup_free)
        char *corrected =
            claims[i].corrected ? range_payload(claims[i].but, claims[i].corrected) : NULL;

        range_words(r, claims[i].words);
        attack_signed(r, "claim", claims[i].name, text_slice(header), text_slice(wrong),
                      claims[i].err);
        if (corrected)
            attack_signed(r, "claim, corrected", claims[i].name, text_slice(header),
                          text_slice(corrected), TOK_OK);
        range_words_reset(r);
    }
}

/* Added to a whole payload. */
static const struct {
    const char *name, *twice, *corrected;
} repeats[] = {
    {"exp again", "\"exp\":1700000900", "\"exq\":1700000900"},
    {"exp again, later", "\"exp\":1700009000", "\"Exp\":1700009000"},
    {"sub again", "\"sub\":\"root\"", "\"sub2\":\"root\""},
    {"iss again", "\"iss\":\"https://host\"", "\"is\":\"https://host\""},
    {"aud again", "\"aud\":[\"host\"]", "\"audi\":[\"host\"]"},
    {"sub by an escape", "\"s\\u0075b\":\"root\"", "\"s\\u0076b\":\"root\""},
    {"sub by escapes", "\"\\u0073\\u0075\\u0062\":\"root\"", "\"\\u0073\\u0075\":\"root\""},
    {"a claim of no meaning", "\"x\":1,\"x\":1", "\"x\":1,\"X\":1"},
    {"the empty name", "\"\":1,\"\":2", "\"\":1,\" \":2"},
    {"a name with a NUL", "\"a\\u0000\":1,\"a\\u0000\":2", "\"a\\u0000\":1,\"a\":2"},
    {"a slash and an escaped slash", "\"/\":1,\"\\/\":2", "\"/\":1,\"\\\\\":2"},
    {"beyond ASCII, once by an escape", "\"\xc3\xa9\":1,\"\\u00e9\":2",
     "\"\xc3\xa9\":1,\"\\u0065\\u0301\":2"},
    {"a pair of surrogates", "\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2",
     "\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude01\":2"},
    {"hexadecimal in both cases", "\"\\u00E9\":1,\"\\u00e9\":2", "\"\\u00E9\":1,\"\\u00ea\":2"},
    {"one level down", "\"x\":{\"a\":1,\"a\":1}", "\"x\":{\"a\":1,\"b\":{\"a\":1}}"},
    {"two levels down", "\"x\":{\"y\":{\"a\":1,\"a\":1}}", "\"x\":{\"y\":{\"a\":1,\"A\":1}}"},
    {"in an array", "\"x\":[{\"a\":1,\"a\":1}]", "\"x\":[{\"a\":1},{\"a\":1}]"},
    {"behind an inner object", "\"x\":{\"a\":{},\"b\":[],\"a\":0}",
     "\"x\":{\"a\":{},\"b\":[],\"c\":0}"},
    {"far apart", "\"x\":{\"k\":0,\"l0\":{\"l1\":{\"l2\":{\"k\":1}}},\"m\":[[[[]]]],\"k\":2}",
     "\"x\":{\"k\":0,\"l0\":{\"l1\":{\"l2\":{\"k\":1}}},\"m\":[[[[]]]],\"n\":2}"},
};

void attack_repeats(struct range *r)
{
    char header[HEADER_MAX];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++) {
        CLEANUP(cleanup_free) char *twice = range_payload(NULL, repeats[i].twice);
        CLEANUP(cleanup_free) char *corrected = range_payload(NULL, repeats[i].corrected);

        attack_signed(r, "twice", repeats[i].name, text_slice(header), text_slice(twice),
                      TOK_JSON);
        attack_signed(r, "twice, corrected", repeats[i].name, text_slice(header),
                      text_slice(corrected), TOK_OK);
    }
}
