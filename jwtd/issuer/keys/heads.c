#include "jwtd/issuer/keys/heads.h"

#include "common/base/file.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_MAX_LEN (2 * (KEY_THUMBPRINT_LEN + 1) + 20)
#define FILE_MAX ((size_t)HEADS_MAX * LINE_MAX_LEN)

static enum tok_err path_of(const char *dir, char **ret)
{
    return text_concat(dir, "/issuers", "", ret);
}

static bool read_line(struct slice line, struct head *ret)
{
    struct slice trusted, key, seq;
    uint64_t number;

    if (!slice_cut(line, ' ', &trusted, &seq) || !slice_cut(seq, ' ', &key, &seq) ||
        !value_is_thumbprint(trusted) || !value_is_thumbprint(key) || seq.n > 18 ||
        !slice_digits(seq, &number))
        return false;
    *ret = (struct head){.seq = (int64_t)number};
    memcpy(ret->trusted, trusted.p, trusted.n);
    memcpy(ret->key, key.p, key.n);
    return true;
}

/* Lines of thumbprints that are not in Issuers= are left. */
static bool parse(struct slice text, struct heads *heads)
{
    struct slice line;
    struct head head;

    while (text.n > 0) {
        if (!slice_cut(text, '\n', &line, &text) || !read_line(line, &head))
            return false;
        for (size_t i = 0; i < heads->n; i++)
            if (strcmp(heads->of[i].trusted, head.trusted) == 0)
                heads->of[i] = head;
    }
    return true;
}

enum tok_err heads_read(const char *dir, word_list issuers, struct heads *ret,
                        struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(secret_clear) struct secret text = {0};
    struct heads heads = {0};
    enum tok_err err = path_of(dir, &path);

    for (; issuers && *issuers && heads.n < HEADS_MAX; issuers++, heads.n++) {
        memcpy(heads.of[heads.n].trusted, *issuers, KEY_THUMBPRINT_LEN);
        memcpy(heads.of[heads.n].key, *issuers, KEY_THUMBPRINT_LEN);
    }
    if (err == TOK_OK)
        err = file_read(path, FILE_PRIVATE, FILE_MAX, &text, errmsg);
    if (file_is_missing(err, errmsg))
        err = TOK_OK;
    else if (err == TOK_OK && !parse(secret_slice(&text), &heads))
        err = errmsg_set(errmsg, TOK_KEYS,
                         "%s: malformed: restore it from a backup; or remove it, after a check "
                         "that no bundle key in Issuers= was replaced",
                         path);
    if (err == TOK_OK)
        *ret = heads;
    return err;
}

enum tok_err heads_write(const char *dir, const struct heads *heads, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    char text[FILE_MAX + 1];
    size_t n = 0;
    enum tok_err err = path_of(dir, &path);

    for (size_t i = 0; i < heads->n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s %" PRId64 "\n",
                              heads->of[i].trusted, heads->of[i].key, heads->of[i].seq);
    return err != TOK_OK ? err : file_write(path, (struct slice){text, n}, 0600, errmsg);
}

enum tok_err heads_add(struct heads *heads, const struct bundle *document,
                       struct errmsg *errmsg)
{
    struct heads next = *heads;
    char last[KEY_THUMBPRINT_LEN];
    enum tok_err err = key_thumbprint(document->chain[document->n_chain - 1], last);

    for (size_t i = 0; err == TOK_OK && i < next.n; i++) {
        struct head *head = &next.of[i];
        bool is_its;

        err = bundle_leads_from(document, head->key, &is_its);
        if (err != TOK_OK || !is_its)
            continue;
        if (document->seq < head->seq)
            return errmsg_set(errmsg, TOK_EXPIRED,
                              "key document: older than one that was seen: seq %" PRId64
                              ", expected at least %" PRId64,
                              document->seq, head->seq);
        memcpy(head->key, last, sizeof(last));
        head->seq = document->seq;
    }
    if (err == TOK_OK)
        *heads = next;
    return err;
}

bool heads_has(const struct heads *heads, const struct bundle *document)
{
    char last[KEY_THUMBPRINT_LEN];

    if (key_thumbprint(document->chain[document->n_chain - 1], last) != TOK_OK)
        return false;
    for (size_t i = 0; i < heads->n; i++)
        if (memcmp(heads->of[i].key, last, sizeof(last)) == 0 &&
            heads->of[i].seq == document->seq)
            return true;
    return false;
}
