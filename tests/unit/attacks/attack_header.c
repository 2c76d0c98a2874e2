/* Headers as an attacker would have them, under a signature that holds. */
#include "tests/unit/attacks/attack.h"

#define A "\"alg\":\"EdDSA\""
#define K "\"kid\":\"EdDSA\""
#define BYTES(literal) literal, sizeof(literal) - 1
#define X16 "xxxxxxxxxxxxxxxx"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16
#define X1024 X128 X128 X128 X128 X128 X128 X128 X128

static const struct {
    const char *name;
    struct slice header;
    enum tok_err err;
} headers[] = {
    {"whole", {BYTES("{" A ",\"typ\":\"JWT\"," K "}")}, TOK_OK},
    /* alg */
    {"no alg", {BYTES("{" K "}")}, TOK_HEADER},
    {"alg in an object within", {BYTES("{" K ",\"x\":{" A "}}")}, TOK_HEADER},
    {"ALG", {BYTES("{" K ",\"ALG\":\"EdDSA\"}")}, TOK_HEADER},
    {"alg and a NUL in its name", {BYTES("{" K ",\"alg\\u0000\":\"EdDSA\"}")}, TOK_HEADER},
    {"alg null", {BYTES("{" K ",\"alg\":null}")}, TOK_HEADER},
    {"alg true", {BYTES("{" K ",\"alg\":true}")}, TOK_HEADER},
    {"alg a number", {BYTES("{" K ",\"alg\":0}")}, TOK_HEADER},
    {"alg an array", {BYTES("{" K ",\"alg\":[\"EdDSA\"]}")}, TOK_HEADER},
    {"alg an object", {BYTES("{" K ",\"alg\":{}}")}, TOK_HEADER},
    {"alg empty", {BYTES("{" K ",\"alg\":\"\"}")}, TOK_ALG},
    {"alg none", {BYTES("{" K ",\"alg\":\"none\"}")}, TOK_ALG},
    {"alg None", {BYTES("{" K ",\"alg\":\"None\"}")}, TOK_ALG},
    {"alg NONE", {BYTES("{" K ",\"alg\":\"NONE\"}")}, TOK_ALG},
    {"alg nOnE", {BYTES("{" K ",\"alg\":\"nOnE\"}")}, TOK_ALG},
    {"alg none by escapes", {BYTES("{" K ",\"alg\":\"\\u006eone\"}")}, TOK_ALG},
    {"alg eddsa", {BYTES("{" K ",\"alg\":\"eddsa\"}")}, TOK_ALG},
    {"alg EDDSA", {BYTES("{" K ",\"alg\":\"EDDSA\"}")}, TOK_ALG},
    {"alg Ed448", {BYTES("{" K ",\"alg\":\"Ed448\"}")}, TOK_ALG},
    {"alg Ed25519", {BYTES("{" K ",\"alg\":\"Ed25519\"}")}, TOK_OK},
    {"alg EdDSA by escapes", {BYTES("{" K ",\"alg\":\"\\u0045dDS\\u0041\"}")}, TOK_OK},
    {"alg EdDSA and a space", {BYTES("{" K ",\"alg\":\"EdDSA \"}")}, TOK_ALG},
    {"alg a space and EdDSA", {BYTES("{" K ",\"alg\":\" EdDSA\"}")}, TOK_ALG},
    {"alg EdDSA and a NUL", {BYTES("{" K ",\"alg\":\"EdDSA\\u0000\"}")}, TOK_ALG},
    {"alg EdDS", {BYTES("{" K ",\"alg\":\"EdDS\"}")}, TOK_ALG},
    {"alg EdDSA,none", {BYTES("{" K ",\"alg\":\"EdDSA,none\"}")}, TOK_ALG},
    {"alg in fullwidth letters", {BYTES("{" K ",\"alg\":\"\\uff25dDSA\"}")}, TOK_ALG},
    {"alg ES256K", {BYTES("{" K ",\"alg\":\"ES256K\"}")}, TOK_ALG},
    {"alg RSA-OAEP", {BYTES("{" K ",\"alg\":\"RSA-OAEP\"}")}, TOK_ALG},
    {"alg dir", {BYTES("{" K ",\"alg\":\"dir\",\"x\":1}")}, TOK_ALG},
    {"alg PBES2",
     {BYTES("{" K ",\"alg\":\"PBES2-HS256+A128KW\",\"p2c\":2147483647}")},
     TOK_ALG},
    {"alg an OID", {BYTES("{" K ",\"alg\":\"1.3.101.112\"}")}, TOK_ALG},
    {"alg of 128 letters", {BYTES("{" K ",\"alg\":\"" X128 "\"}")}, TOK_ALG},
    {"alg twice", {BYTES("{" A "," A "," K "}")}, TOK_JSON},
    {"alg none, then alg", {BYTES("{\"alg\":\"none\"," A "," K "}")}, TOK_JSON},
    {"alg, then alg none", {BYTES("{" A ",\"alg\":\"none\"," K "}")}, TOK_JSON},
    {"alg twice, once by escapes", {BYTES("{" A ",\"\\u0061lg\":\"none\"," K "}")}, TOK_JSON},
    {"alg by escapes alone", {BYTES("{\"\\u0061l\\u0067\":\"EdDSA\"," K "}")}, TOK_OK},
    /* kid */
    {"no kid", {BYTES("{" A "}")}, TOK_OK},
    {"kid null", {BYTES("{" A ",\"kid\":null}")}, TOK_HEADER},
    {"kid false", {BYTES("{" A ",\"kid\":false}")}, TOK_HEADER},
    {"kid a number", {BYTES("{" A ",\"kid\":0}")}, TOK_HEADER},
    {"kid an array", {BYTES("{" A ",\"kid\":[\"EdDSA\"]}")}, TOK_HEADER},
    {"kid an object", {BYTES("{" A ",\"kid\":{}}")}, TOK_HEADER},
    {"kid empty", {BYTES("{" A ",\"kid\":\"\"}")}, TOK_UNKNOWN_KEY},
    {"kid unknown", {BYTES("{" A ",\"kid\":\"x\"}")}, TOK_UNKNOWN_KEY},
    {"kid in other case", {BYTES("{" A ",\"kid\":\"eddsa\"}")}, TOK_UNKNOWN_KEY},
    {"kid and a space", {BYTES("{" A ",\"kid\":\"EdDSA \"}")}, TOK_UNKNOWN_KEY},
    {"kid and a NUL", {BYTES("{" A ",\"kid\":\"EdDSA\\u0000\"}")}, TOK_UNKNOWN_KEY},
    {"kid and a NUL in front", {BYTES("{" A ",\"kid\":\"\\u0000EdDSA\"}")}, TOK_UNKNOWN_KEY},
    {"kid the start of one", {BYTES("{" A ",\"kid\":\"Ed\"}")}, TOK_UNKNOWN_KEY},
    {"kid a path", {BYTES("{" A ",\"kid\":\"../../dev/null\"}")}, TOK_UNKNOWN_KEY},
    {"kid of SQL", {BYTES("{" A ",\"kid\":\"x' UNION SELECT 'k\"}")}, TOK_UNKNOWN_KEY},
    {"kid of shell", {BYTES("{" A ",\"kid\":\"EdDSA;id\"}")}, TOK_UNKNOWN_KEY},
    {"kid of a format", {BYTES("{" A ",\"kid\":\"%n%s\"}")}, TOK_UNKNOWN_KEY},
    {"kid a URL", {BYTES("{" A ",\"kid\":\"http://127.0.0.1/k\"}")}, TOK_UNKNOWN_KEY},
    {"kid of 1024 bytes", {BYTES("{" A ",\"kid\":\"" X1024 "\"}")}, TOK_UNKNOWN_KEY},
    {"kid of 1025 bytes", {BYTES("{" A ",\"kid\":\"" X1024 "x\"}")}, TOK_HEADER},
    {"kid twice", {BYTES("{" A "," K "," K "}")}, TOK_JSON},
    {"kid twice, once by escapes", {BYTES("{" A "," K ",\"\\u006bid\":\"x\"}")}, TOK_JSON},
    {"kid by escapes", {BYTES("{" A ",\"kid\":\"\\u0045dDSA\"}")}, TOK_OK},
    /* typ */
    {"typ jwt", {BYTES("{" A "," K ",\"typ\":\"jwt\"}")}, TOK_OK},
    {"typ application/jwt", {BYTES("{" A "," K ",\"typ\":\"application/jwt\"}")}, TOK_OK},
    {"typ APPLICATION/JWT", {BYTES("{" A "," K ",\"typ\":\"APPLICATION/JWT\"}")}, TOK_OK},
    {"typ at+jwt", {BYTES("{" A "," K ",\"typ\":\"at+jwt\"}")}, TOK_OK},
    {"typ application/at+jwt", {BYTES("{" A "," K ",\"typ\":\"application/at+JWT\"}")}, TOK_OK},
    {"typ null", {BYTES("{" A "," K ",\"typ\":null}")}, TOK_HEADER},
    {"typ a number", {BYTES("{" A "," K ",\"typ\":1}")}, TOK_HEADER},
    {"typ an array", {BYTES("{" A "," K ",\"typ\":[\"JWT\"]}")}, TOK_HEADER},
    {"typ an object", {BYTES("{" A "," K ",\"typ\":{}}")}, TOK_HEADER},
    {"typ true", {BYTES("{" A "," K ",\"typ\":true}")}, TOK_HEADER},
    {"typ empty", {BYTES("{" A "," K ",\"typ\":\"\"}")}, TOK_TYP},
    {"typ JOSE", {BYTES("{" A "," K ",\"typ\":\"JOSE\"}")}, TOK_TYP},
    {"typ dpop+jwt", {BYTES("{" A "," K ",\"typ\":\"dpop+jwt\"}")}, TOK_TYP},
    {"typ secevent+jwt", {BYTES("{" A "," K ",\"typ\":\"secevent+jwt\"}")}, TOK_TYP},
    {"typ logout+jwt", {BYTES("{" A "," K ",\"typ\":\"logout+jwt\"}")}, TOK_TYP},
    {"typ JWT and a space", {BYTES("{" A "," K ",\"typ\":\"JWT \"}")}, TOK_TYP},
    {"typ JWT and a NUL", {BYTES("{" A "," K ",\"typ\":\"JWT\\u0000\"}")}, TOK_TYP},
    {"typ with a parameter", {BYTES("{" A "," K ",\"typ\":\"jwt;v=1\"}")}, TOK_TYP},
    {"typ text/jwt", {BYTES("{" A "," K ",\"typ\":\"text/jwt\"}")}, TOK_TYP},
    {"typ application/", {BYTES("{" A "," K ",\"typ\":\"application/\"}")}, TOK_TYP},
    {"typ application/ twice",
     {BYTES("{" A "," K ",\"typ\":\"application/application/jwt\"}")},
     TOK_TYP},
    {"typ of 128 letters", {BYTES("{" A "," K ",\"typ\":\"" X128 "\"}")}, TOK_TYP},
    {"typ twice", {BYTES("{" A "," K ",\"typ\":\"JWT\",\"typ\":\"JWT\"}")}, TOK_JSON},
    /* extensions */
    {"crit of exp", {BYTES("{" A "," K ",\"crit\":[\"exp\"],\"exp\":1}")}, TOK_CRIT},
    {"crit of b64", {BYTES("{" A "," K ",\"crit\":[\"b64\"],\"b64\":true}")}, TOK_CRIT},
    {"crit of alg", {BYTES("{" A "," K ",\"crit\":[\"alg\"]}")}, TOK_CRIT},
    {"crit of nothing", {BYTES("{" A "," K ",\"crit\":[]}")}, TOK_CRIT},
    {"crit null", {BYTES("{" A "," K ",\"crit\":null}")}, TOK_CRIT},
    {"crit a string", {BYTES("{" A "," K ",\"crit\":\"x\"}")}, TOK_CRIT},
    {"crit an object", {BYTES("{" A "," K ",\"crit\":{}}")}, TOK_CRIT},
    {"crit by escapes", {BYTES("{" A "," K ",\"\\u0063rit\":[\"x\"],\"x\":1}")}, TOK_CRIT},
    {"b64 false", {BYTES("{" A "," K ",\"b64\":false}")}, TOK_UNSUPPORTED},
    {"b64 true", {BYTES("{" A "," K ",\"b64\":true}")}, TOK_UNSUPPORTED},
    {"zip", {BYTES("{" A "," K ",\"zip\":\"DEF\"}")}, TOK_UNSUPPORTED},
    {"zip null", {BYTES("{" A "," K ",\"zip\":null}")}, TOK_UNSUPPORTED},
    {"enc", {BYTES("{" A "," K ",\"enc\":\"A128GCM\"}")}, TOK_UNSUPPORTED},
    {"an unknown member", {BYTES("{" A "," K ",\"x\":[{\"crit\":[]}]}")}, TOK_OK},
    {"cty and x5t", {BYTES("{" A "," K ",\"cty\":\"JWT\",\"x5t\":\"AA\"}")}, TOK_OK},
    {"claims in the header", {BYTES("{" A "," K ",\"sub\":\"root\",\"exp\":1}")}, TOK_OK},
    /* form */
    {"an array", {BYTES("[{" A "}]")}, TOK_JSON},
    {"a string", {BYTES("\"EdDSA\"")}, TOK_JSON},
    {"null", {BYTES("null")}, TOK_JSON},
    {"empty", {BYTES("{}")}, TOK_HEADER},
    {"two objects", {BYTES("{" A "," K "}{" A "}")}, TOK_JSON},
    {"a NUL behind", {BYTES("{" A "," K "}\0")}, TOK_JSON},
    {"white space within", {BYTES("{ " A ",\r\n\t" K " }")}, TOK_OK},
    {"a comma behind the last", {BYTES("{" A "," K ",}")}, TOK_JSON},
    {"bad UTF-8", {BYTES("{" A "," K ",\"x\":\"\xff\"}")}, TOK_JSON},
    {"a byte order mark", {BYTES("\xef\xbb\xbf{" A "," K "}")}, TOK_JSON},
    {"an unknown member twice", {BYTES("{" A "," K ",\"x\":1,\"x\":1}")}, TOK_JSON},
    {"a name twice within", {BYTES("{" A "," K ",\"x\":{\"y\":1,\"y\":1}}")}, TOK_JSON},
    {"over 2048 bytes",
     {BYTES("{" A "," K ",\"x\":\"" X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128 X128
                X128 X128 X128 X128 "\"}")},
     TOK_HEADER},
};

void attack_headers(struct range *r)
{
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        attack_signed(r, "header", headers[i].name, headers[i].header, text_slice(payload),
                      headers[i].err);
}

/* What a header offers in place of the key; %s is the attacker's public JWK. CVE-2018-0114. */
static const struct {
    const char *name, *before, *after;
    enum tok_err err;
} embedded[] = {
    {"jwk", "{\"alg\":\"EdDSA\",\"jwk\":", "}", TOK_SIGNATURE},
    {"jwk beside kid", "{\"alg\":\"EdDSA\"," K ",\"jwk\":", "}", TOK_SIGNATURE},
    {"jwk beside an unknown kid", "{\"alg\":\"EdDSA\",\"kid\":\"mine\",\"jwk\":", "}",
     TOK_UNKNOWN_KEY},
    {"jwk beside alg none", "{\"alg\":\"none\",\"jwk\":", "}", TOK_ALG},
    {"jku", "{\"alg\":\"EdDSA\",\"jku\":\"file:///tmp/jwks\",\"x\":", "}", TOK_SIGNATURE},
    {"jku beside kid", "{" A "," K ",\"jku\":\"http://127.0.0.1/\",\"x\":", "}", TOK_SIGNATURE},
    {"x5u", "{" A ",\"x5u\":\"http://127.0.0.1/\",\"x\":", "}", TOK_SIGNATURE},
    {"x5c", "{" A "," K ",\"x5c\":[", "]}", TOK_SIGNATURE},
    {"keys", "{" A ",\"keys\":[", "]}", TOK_SIGNATURE},
    {"crit jwk", "{" A "," K ",\"crit\":[\"jwk\"],\"jwk\":", "}", TOK_CRIT},
};

void attack_embedded_keys(struct range *r)
{
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);
    CLEANUP(cleanup_key) struct key *attacker = NULL;
    CLEANUP(cleanup_free) char *jwk = NULL;

    ck_assert_ok(key_generate(NULL, alg_find(SLICE("EdDSA")), &attacker));
    jwk = range_jwk(attacker, "mine");
    for (size_t i = 0; i < sizeof(embedded) / sizeof(embedded[0]); i++) {
        char header[1024];

        (void)snprintf(header, sizeof(header), "%s%s%s", embedded[i].before, jwk,
                       embedded[i].after);

        CLEANUP(cleanup_free)
        char *token = forge(attacker, text_slice(header), text_slice(payload));

        attack(r, r->publics, "embedded", embedded[i].name, text_slice(token), embedded[i].err);
        /* The same header under the right key: what it offers is passed over. */
        if (embedded[i].err == TOK_SIGNATURE)
            attack_signed(r, "embedded, by the right key", embedded[i].name, text_slice(header),
                          text_slice(payload), TOK_OK);
    }
}
