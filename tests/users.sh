# shellcheck shell=sh
# Users for tests, added to copies of passwd, group and shadow: alice, carol, bob (expired and locked) and
# toor (uid 0). Sourced.

# hash PASSWORD SETTING: crypt(3). Perl is in every Debian installation, mkpasswd is not.
hash() {
    perl -e 'print crypt($ARGV[0], $ARGV[1])' "$1" "$2"
}

# add_users DIR [SETTING]: adds the users to DIR/passwd, group and shadow, and removes entries of the same
# name. SETTING: crypt's setting for the password of alice.
# shellcheck disable=SC2016 # crypt's dollars
add_users() {
    # A fast hash. yescrypt takes 100 ms per check.
    fast='$6$rounds=1000$'
    sed -i -E '/^(alice|carol|bob|toor):/d' "$1/passwd" "$1/group" "$1/shadow"
    printf '%s\n' 'alice:x:23001:23001::/nonexistent:/bin/sh' \
        'carol:x:23002:23002::/nonexistent:/bin/sh' \
        'bob:x:23003:23003::/nonexistent:/bin/sh' \
        'toor:x:0:0::/nonexistent:/bin/sh' >>"$1/passwd"
    printf '%s\n' 'alice:x:23001:' 'carol:x:23002:' 'bob:x:23003:' >>"$1/group"
    carol=$(hash 'staple battery horse correct' "${fast}twoGrain")
    {
        printf 'alice:%s:19000:0:99999:7:::\n' \
            "$(hash 'correct horse battery staple' "${2:-${fast}oneGrain}")"
        printf 'carol:%s:19000:0:99999:7:::\n' "$carol"
        # Locked and expired, as after `usermod -L -e 1`.
        printf 'bob:!%s:19000:0:99999:7::1:\n' "$(hash bobpw "${fast}sixGrain")"
        # With a valid password, so that only the uid is a reason to refuse it.
        printf 'toor:%s:19000:0:99999:7:::\n' "$carol"
    } >>"$1/shadow"
}
