#include "jwtd/issuer/keys/machine.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <systemd/sd-id128.h>

#define JWTD_ISSUER_ID                                                                         \
    SD_ID128_MAKE(4a, d7, 09, 9a, 98, 28, 40, f2, 9c, 28, 79, 76, 1d, c3, e4, e4)

enum tok_err machine_check(const char *state_dir, bool *ret_other, struct errmsg *errmsg)
{
    CLEANUP(cleanup_free) char *path = NULL;
    CLEANUP(secret_clear) struct secret recorded = {0};
    char text[SD_ID128_STRING_MAX];
    sd_id128_t id;
    enum tok_err err = text_concat(state_dir, "/machine", "", &path);

    if (err != TOK_OK || sd_id128_get_machine_app_specific(JWTD_ISSUER_ID, &id) < 0)
        return err;
    (void)sd_id128_to_string(id, text);
    err = file_read(path, FILE_PRIVATE, sizeof(text), &recorded, errmsg);
    if (file_is_missing(err, errmsg))
        return file_write(path, slice_of(text), 0600, errmsg);
    if (err == TOK_OK)
        *ret_other = !slice_is(secret_slice(&recorded), text);
    return err;
}
