# shellcheck shell=sh
# Skips a test that cannot run here: an empty TAP plan, which meson shows as SKIP. Sourced.

skip() {
    echo "1..0 # SKIP $*"
    exit 0
}

skip_unless_root() {
    [ "$(id -u)" = 0 ] || skip "needs root"
}

# skip_without PROGRAM PACKAGE
skip_without() {
    command -v "$1" >/dev/null || skip "needs $1 (Debian package $2)"
}

# pytest with Debian's Python, which has the packages that the tests use.
export pytest="/usr/bin/python3 -B -m pytest --tap"

skip_without_pytest() {
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || skip "needs pytest (Debian package python3-pytest)"
}
