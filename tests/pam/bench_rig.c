#include "tests/pam/bench_rig.h"

#include "common/token/revoked.h"
#include "tests/pam/rig.h"

#include <stdio.h>

/* Sessions that ended, none of them the token's. */
static void write_list(void)
{
    FILE *f = fopen(rig_path("revoked"), "we");

    ck_assert_ptr_nonnull(f);
    for (int i = 0; i < BENCH_ENDED; i++) {
        char sid[REVOKED_SID_LEN + 1], line[REVOKED_LINE_LEN + 1] = "";

        (void)snprintf(sid, sizeof(sid), "AZ%020d", i);
        revoked_line(sid, 9999999999, line);
        ck_assert_int_ge(fputs(line, f), 0);
    }
    ck_assert_int_eq(fclose(f), 0);
}

/* Several issuers in the settings; the rig's own is the last. */
static void write_issuers(void)
{
    FILE *f = fopen(rig_path("jwt.conf"), "we");

    ck_assert_ptr_nonnull(f);
    for (int i = 1; i < BENCH_ISSUERS; i++)
        (void)fprintf(f, "[Issuer https://other%d.example]\nKeys=%s\nAudience=here\n", i,
                      rig_path("jwks.json"));
    (void)fprintf(f,
                  "[Issuer " RIG_ISSUER "]\nKeys=%s\nAudience=" RIG_AUDIENCE
                  "\nRevoked=%s\nUserMap=same\n",
                  rig_path("jwks.json"), rig_path("revoked"));
    ck_assert_int_eq(fclose(f), 0);
}

void bench_stacks(void)
{
    write_list();
    write_issuers();
    rig_stack("pam_jwt", "auth required @ #\naccount required @ #\n");
    rig_stack(BENCH_FOUR, "auth required @ config=%/jwt.conf\n"
                          "account required @ config=%/jwt.conf\n");
    rig_stack("pam_unix", "auth required pam_unix.so\naccount required pam_unix.so\n");
    rig_stack("pam_permit", "auth required pam_permit.so\naccount required pam_permit.so\n");
}
