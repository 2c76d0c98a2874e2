#include "common/base/username.h"

#include "common/base/text.h"

bool username_valid(struct slice name)
{
    struct slice body = name;
    bool digits_alone = true;

    if (body.n > 1 && body.n <= USER_NAME_MAX && body.p[body.n - 1] == '$')
        body.n--;
    if (body.n == 0 || name.n > USER_NAME_MAX || body.p[0] == '-')
        return false;
    for (size_t i = 0; i < body.n; i++) {
        char c = body.p[i];

        if (!text_is_alnum(c) && c != '.' && c != '_' && c != '-')
            return false;
        digits_alone = digits_alone && text_is_digit(c);
    }
    return !digits_alone && !slice_is(body, ".") && !slice_is(body, "..");
}
