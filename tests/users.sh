# shellcheck shell=bash
# Users for a test without touching the machine's files: copies of passwd, group and shadow with alice,
# carol, bob (expired and locked) and toor (uid 0) are bind-mounted in a private mount namespace.
# Sourced by a launcher that has root; call enter_users "$0" "$@" first, then everything after it
# runs with them.

alice_password='correct horse battery staple'
carol_password='staple battery horse correct'

add_users() {
    local dir=$1 alice carol file
    alice=$(openssl passwd -6 "$alice_password")
    carol=$(openssl passwd -6 "$carol_password")
    cp /etc/passwd /etc/group /etc/shadow "$dir/"
    for file in passwd group shadow; do
        sed -i -E '/^(alice|carol|bob|toor):/d' "$dir/$file"
    done
    cat >>"$dir/passwd" <<PASSWD
alice:x:23001:23001::/nonexistent:/bin/sh
carol:x:23002:23002::/nonexistent:/bin/sh
bob:x:23003:23003::/nonexistent:/bin/sh
toor:x:0:0::/nonexistent:/bin/sh
PASSWD
    printf '%s:x:%d:\n' alice 23001 carol 23002 bob 23003 >>"$dir/group"
    cat >>"$dir/shadow" <<SHADOW
alice:$alice:19000:0:99999:7:::
carol:$carol:19000:0:99999:7:::
bob:!$carol:19000:0:99999:7::1:
toor:$carol:19000:0:99999:7:::
SHADOW
    chmod 644 "$dir/passwd" "$dir/group"
    chmod 640 "$dir/shadow"
}

enter_users() {
    local dir file
    if [ -z "${JWT_USERS:-}" ]; then
        JWT_USERS=1 exec unshare -m "$@"
    fi
    dir=$(mktemp -d)
    mount -t tmpfs -o mode=0755 tmpfs "$dir"
    add_users "$dir"
    for file in passwd group shadow; do
        mount --bind "$dir/$file" "/etc/$file"
    done
    umount -l "$dir"
    rmdir "$dir"
}
