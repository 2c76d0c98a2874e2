# shellcheck shell=sh
# Users for a test without touching the machine's files: alice, carol, bob (expired and locked) and
# toor (uid 0 by another name), added to copies of passwd, group and shadow. Sourced.

# PASSWORD SETTING: what crypt(3) makes of them. Perl is on every Debian; mkpasswd is not.
hash() {
    perl -e 'print crypt($ARGV[0], $ARGV[1])' "$1" "$2"
}

# add_users DIR [SETTING]: into DIR/passwd, group and shadow; what they have of these names goes.
# SETTING is crypt's for alice.
# shellcheck disable=SC2016 # crypt's dollars
add_users() {
    # Not yescrypt: its 100 ms a check belong to the benchmarks.
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
        # Locked and expired, as `usermod -L -e 1` leaves it.
        printf 'bob:!%s:19000:0:99999:7::1:\n' "$(hash bobpw "${fast}sixGrain")"
        # A password that is right, so that only the user id stands in the way.
        printf 'toor:%s:19000:0:99999:7:::\n' "$carol"
    } >>"$1/shadow"
}
