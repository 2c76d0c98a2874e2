/* Tokens that are no compact JWS, or whose parts are no JSON objects. */
#include "tests/unit/attacks/attack.h"

/* %h, %p, %s: the parts of a good token; %0: a NUL. */
static const struct {
    const char *name, *form;
    enum tok_err err;
} forms[] = {
    {"whole", "%h.%p.%s", TOK_OK},
    {"empty", "", TOK_MALFORMED},
    {"one dot", ".", TOK_MALFORMED},
    {"two dots", "..", TOK_MALFORMED},
    {"three dots", "...", TOK_MALFORMED},
    {"header alone", "%h", TOK_MALFORMED},
    {"header and dot", "%h.", TOK_MALFORMED},
    {"header and payload", "%h.%p", TOK_MALFORMED},
    {"no signature behind its dot", "%h.%p.", TOK_SIGNATURE},
    {"no header", ".%p.%s", TOK_PASTED},
    {"no payload", "%h..%s", TOK_MALFORMED},
    {"signature alone", "..%s", TOK_MALFORMED},
    {"a fourth part, empty", "%h.%p.%s.", TOK_MALFORMED},
    {"a fourth part", "%h.%p.%s.%s", TOK_MALFORMED},
    {"five parts, as JWE has", "%h.%p.%s.%p.%s", TOK_MALFORMED},
    {"a dot in front", ".%h.%p.%s", TOK_PASTED},
    {"two dots between", "%h..%p.%s", TOK_MALFORMED},
    {"comma for dot", "%h,%p,%s", TOK_MALFORMED},
    {"parts swapped: payload first", "%p.%h.%s", TOK_HEADER},
    {"parts swapped: signature first", "%s.%p.%h", TOK_JSON},
    {"header twice", "%h.%h.%s", TOK_SIGNATURE},
    {"payload twice", "%h.%p%p.%s", TOK_SIGNATURE},
    {"signature twice", "%h.%p.%s%s", TOK_SIGNATURE},
    {"space in front", " %h.%p.%s", TOK_PASTED},
    {"space behind", "%h.%p.%s ", TOK_MALFORMED},
    {"newline behind", "%h.%p.%s\n", TOK_MALFORMED},
    {"return and newline behind", "%h.%p.%s\r\n", TOK_MALFORMED},
    {"tab between", "%h.\t%p.%s", TOK_MALFORMED},
    {"newline in the header", "%h\n.%p.%s", TOK_MALFORMED},
    {"newline before the signature", "%h.%p.\n%s", TOK_MALFORMED},
    {"NUL in front", "%0%h.%p.%s", TOK_PASTED},
    {"NUL behind", "%h.%p.%s%0", TOK_MALFORMED},
    {"NUL and another behind", "%h.%p.%s%0%h.%p.%s", TOK_MALFORMED},
    {"NUL in the payload", "%h.%0%p.%s", TOK_MALFORMED},
    {"NUL in the signature", "%h.%p.%0%s", TOK_MALFORMED},
    {"Bearer in front", "Bearer %h.%p.%s", TOK_PASTED},
    {"bearer in front", "bearer%h.%p.%s", TOK_BASE64},
    {"quotes around", "\"%h.%p.%s\"", TOK_PASTED},
    {"padded header", "%h=.%p.%s", TOK_MALFORMED},
    {"padded payload", "%h.%p=.%s", TOK_MALFORMED},
    {"padded signature", "%h.%p.%s==", TOK_MALFORMED},
    {"plus of plain base64", "%h.%p.+%s", TOK_MALFORMED},
    {"slash of plain base64", "%h.%p./%s", TOK_MALFORMED},
    {"percent escape", "%h%%2E%p%%2E%s", TOK_MALFORMED},
    {"byte order mark", "\xef\xbb\xbf%h.%p.%s", TOK_PASTED},
    {"letters beyond ASCII", "%h.%p.\xc3\xa9%s", TOK_MALFORMED},
    {"fullwidth dot", "%h\xef\xbc\x8e%p\xef\xbc\x8e%s", TOK_MALFORMED},
    {"high byte", "%h.%p.\xff%s", TOK_MALFORMED},
    {"DEL", "%h.%p.\x7f%s", TOK_MALFORMED},
    {"one letter more on the header", "A%h.%p.%s", TOK_JSON},
    {"four letters more on the header", "%hAAAA.%p.%s", TOK_JSON},
    {"one letter more on the signature", "%h.%p.%sA", TOK_SIGNATURE},
    {"four letters more on the signature", "%h.%p.%sAAAA", TOK_SIGNATURE},
    {"a letter more in front of the signature", "%h.%p.A%s", TOK_SIGNATURE},
    {"a letter more on the payload", "%h.%pA.%s", TOK_SIGNATURE},
    {"a letter more in front of the payload", "%h.A%p.%s", TOK_SIGNATURE},
    {"header of one letter", "e.%p.%s", TOK_BASE64},
    {"header of stray bits", "e31.%p.%s", TOK_BASE64},
    {"header {}", "e30.%p.%s", TOK_HEADER},
    {"payload {} under another's signature", "%h.e30.%s", TOK_SIGNATURE},
    {"flattened JSON", "{\"protected\":\"%h\",\"payload\":\"%p\",\"signature\":\"%s\"}",
     TOK_MALFORMED},
    {"general JSON",
     "{\"payload\":\"%p\",\"signatures\":[{\"protected\":\"%h\",\"signature\":\"%s\"}]}",
     TOK_MALFORMED},
    {"a password with dots", "correct.horse.battery", TOK_BASE64},
    {"a path", "../../etc/passwd", TOK_MALFORMED},
    {"an address", "10.0.0.1", TOK_MALFORMED},
    {"a version", "1.2.3", TOK_BASE64},
};

static void fill(FILE *out, const char *form, const struct jws *parts)
{
    for (const char *at = form; *at; at++) {
        struct slice put = {at, 1};

        if (*at == '%')
            switch (*++at) {
            case 'h':
                put = parts->header;
                break;
            case 'p':
                put = parts->payload;
                break;
            case 's':
                put = parts->signature;
                break;
            case '0':
                put = SLICE("\0");
                break;
            default:
                break;
            }
        (void)fwrite(put.p, 1, put.n, out);
    }
}

void attack_forms(struct range *r)
{
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);
    char header[HEADER_MAX];
    CLEANUP(cleanup_free)
    char *token = forge(range_key(r, "EdDSA"), text_slice(range_header("EdDSA", header)),
                        text_slice(payload));
    struct jws parts;

    ck_assert_ok(jws_split(text_slice(token), &parts));
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        CLEANUP(cleanup_free) char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);

        ck_assert_ptr_nonnull(out);
        fill(out, forms[i].form, &parts);
        ck_assert_int_eq(fclose(out), 0);
        attack(r, r->publics, "form", forms[i].name, (struct slice){text, n}, forms[i].err);
    }
}

#define CLAIMS                                                                                 \
    "\"token_type\":\"access\",\"exp\":1700000900,\"iat\":1700000000,\"sub\":\"alice\","       \
    "\"iss\":\"https://host\",\"aud\":\"host\""
#define BYTES(literal) literal, sizeof(literal) - 1

/* Payloads under a signature that holds. */
static const struct {
    const char *name;
    struct slice payload;
    enum tok_err err;
} payloads[] = {
    {"whole", {BYTES("{" CLAIMS "}")}, TOK_OK},
    {"white space around", {BYTES(" \t\r\n{ " CLAIMS " }\n")}, TOK_OK},
    {"an array", {BYTES("[]")}, TOK_JSON},
    {"the object in an array", {BYTES("[{" CLAIMS "}]")}, TOK_JSON},
    {"null", {BYTES("null")}, TOK_JSON},
    {"true", {BYTES("true")}, TOK_JSON},
    {"a number", {BYTES("1700000900")}, TOK_JSON},
    {"a string", {BYTES("\"alice\"")}, TOK_JSON},
    {"the object in a string", {BYTES("\"{}\"")}, TOK_JSON},
    {"white space alone", {BYTES("  ")}, TOK_JSON},
    {"a NUL alone", {BYTES("\0")}, TOK_JSON},
    {"two objects", {BYTES("{" CLAIMS "}{}")}, TOK_JSON},
    {"two objects parted by a newline", {BYTES("{" CLAIMS "}\n{" CLAIMS "}")}, TOK_JSON},
    {"a NUL behind", {BYTES("{" CLAIMS "}\0")}, TOK_JSON},
    {"a NUL between", {BYTES("{\0" CLAIMS "}")}, TOK_JSON},
    {"a byte order mark", {BYTES("\xef\xbb\xbf{" CLAIMS "}")}, TOK_JSON},
    {"form feed for white space", {BYTES("\f{" CLAIMS "}")}, TOK_JSON},
    {"no-break space for white space", {BYTES("\xc2\xa0{" CLAIMS "}")}, TOK_JSON},
    {"a comma behind the last", {BYTES("{" CLAIMS ",}")}, TOK_JSON},
    {"a comma in front of the first", {BYTES("{," CLAIMS "}")}, TOK_JSON},
    {"two commas", {BYTES("{" CLAIMS ",,\"x\":1}")}, TOK_JSON},
    {"no closing brace", {BYTES("{" CLAIMS)}, TOK_JSON},
    {"no opening brace", {BYTES(CLAIMS "}")}, TOK_JSON},
    {"a closing bracket for the brace", {BYTES("{" CLAIMS "]")}, TOK_JSON},
    {"a comment", {BYTES("{/**/" CLAIMS "}")}, TOK_JSON},
    {"a line comment", {BYTES("{" CLAIMS "}//")}, TOK_JSON},
    {"a name without quotes", {BYTES("{" CLAIMS ",x:1}")}, TOK_JSON},
    {"a name in single quotes", {BYTES("{" CLAIMS ",'x':1}")}, TOK_JSON},
    {"a number for a name", {BYTES("{" CLAIMS ",1:1}")}, TOK_JSON},
    {"no colon", {BYTES("{" CLAIMS ",\"x\"1}")}, TOK_JSON},
    {"no value", {BYTES("{" CLAIMS ",\"x\":}")}, TOK_JSON},
    {"NaN", {BYTES("{" CLAIMS ",\"x\":NaN}")}, TOK_JSON},
    {"Infinity", {BYTES("{" CLAIMS ",\"x\":Infinity}")}, TOK_JSON},
    {"True", {BYTES("{" CLAIMS ",\"x\":True}")}, TOK_JSON},
    {"undefined", {BYTES("{" CLAIMS ",\"x\":undefined}")}, TOK_JSON},
    {"hexadecimal", {BYTES("{" CLAIMS ",\"x\":0x10}")}, TOK_JSON},
    {"a leading zero", {BYTES("{" CLAIMS ",\"x\":01}")}, TOK_JSON},
    {"a leading plus", {BYTES("{" CLAIMS ",\"x\":+1}")}, TOK_JSON},
    {"a dot without digits", {BYTES("{" CLAIMS ",\"x\":1.}")}, TOK_JSON},
    {"an exponent without digits", {BYTES("{" CLAIMS ",\"x\":1e}")}, TOK_JSON},
    {"a raw newline in a string", {BYTES("{" CLAIMS ",\"x\":\"a\nb\"}")}, TOK_JSON},
    {"a raw NUL in a string", {BYTES("{" CLAIMS ",\"x\":\"a\0b\"}")}, TOK_JSON},
    {"an escaped NUL in a string", {BYTES("{" CLAIMS ",\"x\":\"a\\u0000b\"}")}, TOK_OK},
    {"an unknown escape", {BYTES("{" CLAIMS ",\"x\":\"\\x41\"}")}, TOK_JSON},
    {"a cut escape", {BYTES("{" CLAIMS ",\"x\":\"\\u00\"}")}, TOK_JSON},
    {"a lone high surrogate", {BYTES("{" CLAIMS ",\"x\":\"\\ud800\"}")}, TOK_JSON},
    {"a lone low surrogate", {BYTES("{" CLAIMS ",\"x\":\"\\udc00\"}")}, TOK_JSON},
    {"a pair of surrogates", {BYTES("{" CLAIMS ",\"x\":\"\\ud83d\\ude00\"}")}, TOK_OK},
    {"a surrogate in UTF-8", {BYTES("{" CLAIMS ",\"x\":\"\xed\xa0\x80\"}")}, TOK_JSON},
    {"UTF-8 longer than needed", {BYTES("{" CLAIMS ",\"x\":\"\xc0\xaf\"}")}, TOK_JSON},
    {"UTF-8 beyond U+10FFFF", {BYTES("{" CLAIMS ",\"x\":\"\xf4\x90\x80\x80\"}")}, TOK_JSON},
    {"cut UTF-8", {BYTES("{" CLAIMS ",\"x\":\"\xe2\x82\"}")}, TOK_JSON},
    {"a lone continuation byte", {BYTES("{" CLAIMS ",\"x\":\"\x80\"}")}, TOK_JSON},
    {"Latin-1", {BYTES("{" CLAIMS ",\"x\":\"\xe9\"}")}, TOK_JSON},
    {"UTF-16", {BYTES("\xff\xfe{\0}\0")}, TOK_JSON},
    {"CBOR", {BYTES("\xa1\x61x\x01")}, TOK_JSON},
    {"XML", {BYTES("<claims/>")}, TOK_JSON},
};

void attack_payloads(struct range *r)
{
    char header[HEADER_MAX];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        attack_signed(r, "payload", payloads[i].name, text_slice(header), payloads[i].payload,
                      payloads[i].err);
}

/* Letters that a key signed as they are. */
static const struct {
    const char *name, *payload;
    enum tok_err err;
} letters[] = {
    {"one letter", "e", TOK_BASE64},
    {"five letters", "e30ge", TOK_BASE64},
    {"stray bits in the last of two", "eh", TOK_BASE64},
    {"stray bits in the last of three", "e31", TOK_BASE64},
    {"padding that was signed", "e30=", TOK_MALFORMED},
    {"white space that was signed", "e30 ", TOK_MALFORMED},
    {"a dot that was signed", "e3.0", TOK_MALFORMED},
    {"{}, without any claim", "e30", TOK_MISSING},
};

void attack_letters(struct range *r)
{
    const struct key *key = range_key(r, "EdDSA");
    char header[HEADER_MAX], head[2 * HEADER_MAX] = "";

    (void)range_header("EdDSA", header);
    base64url_encode(text_slice(header), head);
    for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
        char input[512], token[1024], signature[KEY_SIGNATURE_MAX], text[256] = "";

        (void)snprintf(input, sizeof(input), "%s.%s", head, letters[i].payload);
        ck_assert_ok(key_sign(key, text_slice(input), signature));
        base64url_encode((struct slice){signature, key_sig_len(key)}, text);
        (void)snprintf(token, sizeof(token), "%s.%s", input, text);
        attack(r, r->publics, "letters", letters[i].name, text_slice(token), letters[i].err);
    }
}

/* count times `open`, then `close` as often, as the value of a claim. */
static char *nested(const char *open, const char *middle, const char *close, size_t count)
{
    CLEANUP(cleanup_free) char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);

    ck_assert_ptr_nonnull(out);
    (void)fprintf(out, "\"x\":");
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s", open);
    (void)fprintf(out, "%s", middle);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s", close);
    ck_assert_int_eq(fclose(out), 0);
    return range_payload(NULL, text);
}

static const struct {
    const char *name, *open, *middle, *close;
    size_t count;
    enum tok_err err;
} sizes[] = {
    {"31 arrays", "[", "", "]", 31, TOK_OK},
    {"32 arrays", "[", "", "]", 32, TOK_JSON},
    {"2500 arrays", "[", "", "]", 2500, TOK_JSON},
    {"31 objects", "{\"x\":", "1", "}", 31, TOK_OK},
    {"32 objects", "{\"x\":", "1", "}", 32, TOK_JSON},
    {"2500 arrays left open", "[", "", "", 2500, TOK_JSON},
};

void attack_nesting(struct range *r)
{
    char header[HEADER_MAX];

    (void)range_header("EdDSA", header);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CLEANUP(cleanup_free)
        char *payload = nested(sizes[i].open, sizes[i].middle, sizes[i].close, sizes[i].count);

        attack_signed(r, "nesting", sizes[i].name, text_slice(header), text_slice(payload),
                      sizes[i].err);
    }
}

/* n claims of different names. */
static char *many_claims(size_t n)
{
    CLEANUP(cleanup_free) char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < n; i++)
        (void)fprintf(out, "%s\"n%zu\":%zu", i ? "," : "", i, i);
    ck_assert_int_eq(fclose(out), 0);
    return range_payload(NULL, text);
}

void attack_sizes(struct range *r)
{
    CLEANUP(cleanup_free) char *most = many_claims(CLAIMS_MAX - 8);
    CLEANUP(cleanup_free) char *more = many_claims(CLAIMS_MAX - 7);
    char header[HEADER_MAX], whole[HEADER_MAX];
    CLEANUP(cleanup_free) char *payload = range_payload(NULL, NULL);
    CLEANUP(cleanup_free)
    char *token = forge(range_key(r, "EdDSA"), text_slice(range_header("EdDSA", whole)),
                        text_slice(payload));

    (void)range_header("EdDSA", header);
    attack_signed(r, "size", "128 claims", text_slice(header), text_slice(most), TOK_OK);
    attack_signed(r, "size", "129 claims", text_slice(header), text_slice(more), TOK_JSON);
    r->policy.max_length = strlen(token);
    attack(r, r->publics, "size", "as long as is allowed", text_slice(token), TOK_OK);
    r->policy.max_length--;
    attack(r, r->publics, "size", "a letter longer", text_slice(token), TOK_TOO_LONG);
}
