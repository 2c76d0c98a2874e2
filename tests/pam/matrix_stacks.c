/* The stacks: what administrators write, and what they should not. Each takes what it says and
 * nothing else. */
#include "tests/pam/matrix.h"

#define ALICE_OR_CAROL (TAKES_CAROL | TAKES_LOCKED_OUT | TAKES_SECOND_CHANCE)
#define TOKEN (TAKES_TOKEN | TAKES_UNSCOPED | ALICE_OR_CAROL)
#define USUAL (TOKEN | TAKES_NO_QUESTION)
#define BOTH (USUAL | TAKES_PASSWORD)
#define FAILLOCK (BOTH & ~(TAKES_LOCKED_OUT | TAKES_SECOND_CHANCE))
#define ACCESS (BOTH & ~TAKES_CAROL)

#define RECOMMENDED RIG_AUTH "@ ignore_non_token #\n"
#define ACCOUNT RIG_ACCOUNT "@ #\naccount required pam_unix.so\n"
#define SESSION RIG_SESSION "@ #\nsession required pam_permit.so\n"
#define PASSWORD                                                                               \
    "password [success=done ignore=ignore default=die] @ #\n"                                  \
    "password required pam_deny.so\n"
#define REST ACCOUNT SESSION PASSWORD

#define FAILLOCK_OPTIONS " silent deny=2 dir=%/faillock\n"
#define PREAUTH "pam_faillock.so preauth" FAILLOCK_OPTIONS
#define AUTHFAIL "auth [default=die] pam_faillock.so authfail" FAILLOCK_OPTIONS
#define AUTHSUCC "auth sufficient pam_faillock.so authsucc" FAILLOCK_OPTIONS

/* The recommended stack with another module file, or with other options. */
#define BOTH_OF(module)                                                                        \
    RIG_AUTH module " ignore_non_token #\n"                                                    \
                    "auth required pam_unix.so\n" ACCOUNT_OF(module)
#define ACCOUNT_OF(module)                                                                     \
    RIG_ACCOUNT module " #\n"                                                                  \
                       "account required pam_unix.so\n" RIG_SESSION module " #\n"              \
                       "session required pam_permit.so\n" PASSWORD
#define TOKEN_ONLY(module)                                                                     \
    "auth [success=done ignore=ignore default=die] " module " #\n"                             \
    "auth required pam_deny.so\n"                                                              \
    "account required " module " #\n"                                                          \
    "account required pam_unix.so\n"                                                           \
    "session required pam_permit.so\n" PASSWORD
#define WITHOUT (BOTH & ~TAKES_TOKEN)

/* Debian's common-account and common-session, as pam-auth-update writes them. */
#define COMMON_ACCOUNT                                                                         \
    RIG_ACCOUNT "@ #\n"                                                                        \
                "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n"       \
                "account requisite pam_deny.so\n"                                              \
                "account required pam_permit.so\n"
#define COMMON_SESSION                                                                         \
    "session [default=1] pam_permit.so\n"                                                      \
    "session requisite pam_deny.so\n"                                                          \
    "session required pam_permit.so\n"                                                         \
    "session required pam_unix.so\n"

const struct matrix_stack matrix_stacks[] = {
    {"recommended", BOTH, RECOMMENDED "auth required pam_unix.so\n" REST},
    {"recommended-common", BOTH,
     RECOMMENDED "auth [success=1 default=ignore] pam_unix.so nullok\n"
                 "auth requisite pam_deny.so\n"
                 "auth required pam_permit.so\n" COMMON_ACCOUNT COMMON_SESSION PASSWORD},
    {"pam-auth-update", BOTH,
     "auth [success=2 ignore=ignore module_unknown=ignore service_err=ignore default=die] "
     "@ ignore_non_token #\n"
     "auth [success=1 default=ignore] pam_unix.so nullok try_first_pass\n"
     "auth requisite pam_deny.so\n"
     "auth required pam_permit.so\n"
     "auth optional pam_cap.so\n" COMMON_ACCOUNT COMMON_SESSION PASSWORD},
    {"token-alone", TOKEN, "auth required @ #\n" REST},
    {"module-alone", TOKEN | TAKES_EXPIRED,
     "auth required @ #\naccount required @ #\nsession required @ #\npassword required @ #\n"},
    {"sufficient-unix", BOTH,
     "auth sufficient @ ignore_non_token #\nauth required pam_unix.so\n" REST},
    {"sufficient-without-ignore", BOTH,
     "auth sufficient @ #\nauth required pam_unix.so try_first_pass\n" REST},
    {"sufficient-deny", TOKEN, "auth sufficient @ #\nauth required pam_deny.so\n" REST},
    {"requisite-permit", USUAL, "auth requisite @ #\nauth required pam_permit.so\n" REST},
    {"required-permit", USUAL, "auth required @ #\nauth required pam_permit.so\n" REST},
    {"permit-first", USUAL,
     "auth required pam_permit.so\n"
     "auth [success=done ignore=ignore default=die] @ #\n" REST},
    {"optional-unix", BOTH & ~TAKES_TOKEN,
     "auth optional @ ignore_non_token #\nauth required pam_unix.so try_first_pass\n" REST},
    {"unix-first", BOTH, "auth sufficient pam_unix.so\nauth required @ #\n" REST},
    {"unix-first-use-first-pass", BOTH,
     "auth sufficient pam_unix.so\nauth required @ use_first_pass #\n" REST},
    {"unix-first-try-first-pass", BOTH,
     "auth [success=done default=ignore] pam_unix.so\n"
     "auth requisite @ try_first_pass #\n" REST},
    {"use-first-pass-first", 0, "auth required @ use_first_pass #\n" REST},
    {"both-required", USUAL & ~TAKES_TOKEN,
     "auth required @ #\nauth required pam_unix.so use_first_pass\n" REST},
    {"substack", BOTH, "auth substack %/pam.d/sub-auth\nauth required pam_permit.so\n" REST},
    {"include", BOTH, "auth include %/pam.d/sub-auth\n" REST},
    {"two-issuers", BOTH,
     "auth sufficient @ ignore_non_token # issuer=https://other.example\n"
     "auth sufficient @ ignore_non_token #\n"
     "auth required pam_unix.so try_first_pass\n" REST},
    {"root-allowed", BOTH | TAKES_ROOT,
     "auth sufficient @ allow_root #\nauth required pam_unix.so\n" REST},
    {"scope-required", TAKES_TOKEN, "auth required @ scope=required #\n" REST},
    {"jwtd", BOTH & ~TAKES_TOKEN, RECOMMENDED "auth required pam_unix.so\n" REST},
    {"wrong-option", 0, "auth required @ # kyes=/x\nauth required pam_permit.so\n" REST},
    {"faillock-recommended", FAILLOCK | TAKES_SECOND_CHANCE,
     "auth required " PREAUTH RECOMMENDED
     "auth sufficient pam_unix.so try_first_pass\n" AUTHFAIL REST},
    {"faillock-requisite", FAILLOCK,
     "auth requisite " PREAUTH "auth sufficient @ #\n"
     "auth sufficient pam_unix.so try_first_pass\n" AUTHFAIL REST
     "account required pam_faillock.so dir=%/faillock\n"},
    {"faillock-authsucc", FAILLOCK,
     "auth [success=2 ignore=ignore default=bad] @ ignore_non_token #\n"
     "auth [success=1 default=bad] pam_unix.so try_first_pass\n" AUTHFAIL AUTHSUCC
     "auth required pam_deny.so\n" REST},
    {"faillock-preauth-alone", (FAILLOCK & ~TAKES_PASSWORD) | TAKES_SECOND_CHANCE,
     "auth required " PREAUTH "auth [success=done ignore=ignore default=die] @ #\n" REST},
    {"faillock-jump", FAILLOCK | TAKES_SECOND_CHANCE,
     "auth required " PREAUTH
     "auth [success=2 ignore=ignore module_unknown=ignore service_err=ignore default=die] "
     "@ ignore_non_token #\n"
     "auth [success=1 default=ignore] pam_unix.so try_first_pass\n" AUTHFAIL
     "auth required pam_permit.so\n" REST},
    {"access", ACCESS,
     RECOMMENDED "auth required pam_unix.so\n" ACCOUNT
                 "account required pam_access.so accessfile=%/access\n" SESSION PASSWORD},
    {"access-in-auth", ACCESS,
     "auth requisite pam_access.so accessfile=%/access\n" RECOMMENDED
     "auth required pam_unix.so\n" REST},
    {"limits", BOTH,
     RECOMMENDED "auth required pam_unix.so\n" ACCOUNT
                 "session required pam_limits.so conf=%/limits\n" SESSION PASSWORD},
    {"session-required", TOKEN,
     "auth required @ #\n" ACCOUNT "session required @ #\n" PASSWORD},
    /* Without the module, or with a wrong option: passwords only. */
    {"missing", WITHOUT, BOTH_OF("%/missing.so")},
    {"text", WITHOUT, BOTH_OF("%/text.so")},
    {"misspelt", WITHOUT, BOTH_OF("@ sesion_limit")},
    {"misspelt-account", WITHOUT,
     RECOMMENDED "auth required pam_unix.so\n" ACCOUNT_OF("@ sesion_limit")},
    {"misspelt-session", WITHOUT,
     RECOMMENDED "auth required pam_unix.so\n" ACCOUNT RIG_SESSION
                 "@ # sesion_limit\nsession required pam_permit.so\n" PASSWORD},
    {"missing-pam-auth-update", WITHOUT,
     "auth [success=2 ignore=ignore module_unknown=ignore service_err=ignore default=die] "
     "%/missing.so ignore_non_token #\n"
     "auth [success=1 default=ignore] pam_unix.so nullok try_first_pass\n"
     "auth requisite pam_deny.so\n"
     "auth required pam_permit.so\n" COMMON_ACCOUNT COMMON_SESSION PASSWORD},
    {"missing-faillock", (FAILLOCK | TAKES_SECOND_CHANCE) & ~TAKES_TOKEN,
     "auth required " PREAUTH RIG_AUTH "%/missing.so ignore_non_token #\n"
     "auth sufficient pam_unix.so try_first_pass\n" AUTHFAIL ACCOUNT_OF("%/missing.so")},
    {"misspelt-faillock", (FAILLOCK | TAKES_SECOND_CHANCE) & ~TAKES_TOKEN,
     "auth required " PREAUTH RIG_AUTH "@ # ignore_non_tokens\n"
     "auth sufficient pam_unix.so try_first_pass\n" AUTHFAIL REST},
    /* Where no password module follows, nobody. */
    {"token-only", TOKEN, TOKEN_ONLY("@")},
    {"missing-token-only", 0, TOKEN_ONLY("%/missing.so")},
    {"misspelt-token-only", 0, TOKEN_ONLY("@ sesion_limit")},
};

const size_t matrix_n_stacks = sizeof(matrix_stacks) / sizeof(matrix_stacks[0]);
