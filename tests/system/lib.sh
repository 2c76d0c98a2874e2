# shellcheck shell=bash
# Shared by ./demo and ./test: packages, a mount point, the build. Sourced.
# The machine is changed only by installing packages; no service is started.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # used by the scripts that source this
cache=/var/cache/jwt-demo

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "$(basename "$0"): $*"
    exit 2
}

need_root() {
    [ "$(id -u)" = 0 ] || die "must be run as root: it installs packages and boots a container"
}

# In a plain chroot "/" is not a mount point, and neither unshare(1) nor systemd-nspawn can make it
# private. Continue in a chroot to a bind mount of it.
enter_mount_point() {
    [ -e /proc/self ] || mount -t proc proc /proc # mountpoint(1) reads it
    if [ -n "${JWT_MOUNT_POINT:-}" ] || mountpoint -q /; then
        return 0
    fi
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec unshare -m --propagation unchanged sh -c '
        dir=$(mktemp -d) && mount --rbind / "$dir" && here=$(pwd) &&
        JWT_MOUNT_POINT=1 chroot "$dir" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$here" "$@"
        status=$?
        umount -l "$dir" && rmdir "$dir"
        exit "$status"' sh "$@"
}

# Kernel file systems that a plain chroot may lack.
mount_kernel_files() {
    [ -d /sys/kernel ] || mount -t sysfs sysfs /sys
    [ -n "$(ls /sys/fs/cgroup)" ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
    [ -e /dev/shm ] || mkdir /dev/shm
    # Pseudo-terminals.
    [ -n "$(ls /dev/pts)" ] || mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts
    [ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
}

# Runs a command while policy-rc.d prevents packages from starting services, and a setting of postgresql-common prevents
# the package postgresql from making a cluster, which would start at the next boot.
without_services() {
    local policy=/usr/sbin/policy-rc.d made='' status=0 no_cluster=/etc/postgresql-common/createcluster.d/jwt-test.conf
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made=1
    fi
    mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' >"$no_cluster"
    "$@" || status=$?
    [ -z "$made" ] || rm -f "$policy"
    rm -f "$no_cluster"
    rmdir -p --ignore-fail-on-non-empty "${no_cluster%/*}"
    return "$status"
}

apt_update_once() {
    [ -z "${apt_updated:-}" ] || return 0
    apt-get -q update >/dev/null 2>&1 || die "apt-get update failed"
    apt_updated=1
}

# Installs the packages that are missing.
install_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
            missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    say "Installing packages: ${missing[*]}"
    apt_update_once
    if ! DEBIAN_FRONTEND=noninteractive without_services apt-get -q -y --no-install-recommends \
        install "${missing[@]}" >"/tmp/jwt-apt.$$" 2>&1 </dev/null; then
        cat "/tmp/jwt-apt.$$" >&2
        rm -f "/tmp/jwt-apt.$$"
        die "apt-get install failed"
    fi
    rm -f "/tmp/jwt-apt.$$"
}

# download PACKAGE DIR: downloads a package into a new directory.
download() {
    rm -rf "$2"
    mkdir -p "$2"
    (cd "$2" && apt-get -q download "$1") >/dev/null 2>&1 </dev/null ||
        { apt_update_once && (cd "$2" && apt-get -q download "$1") >/dev/null 2>&1 </dev/null; } ||
        die "cannot download $1"
}

# nginx is unpacked into build/nginx and not installed, because the package enables its service. The
# libraries that the program links are installed.
fetch_nginx() {
    local dir=$top/build/nginx
    [ ! -x "$dir/usr/sbin/nginx" ] || return 0
    install_packages libcrypt1 libpcre2-8-0 libssl3 zlib1g
    download nginx "$dir"
    dpkg -x "$dir"/nginx_*.deb "$dir"
}

# haproxy likewise.
fetch_haproxy() {
    local dir=$top/build/haproxy libraries
    [ ! -x "$dir/usr/sbin/haproxy" ] || return 0
    download haproxy "$dir"
    mapfile -t libraries < <(dpkg-deb -f "$dir"/haproxy_*.deb Depends | grep -o '\blib[^ ,|]*')
    install_packages "${libraries[@]}"
    dpkg -x "$dir"/haproxy_*.deb "$dir"
}

# etcd, which is linked statically, as nginx is.
fetch_etcd() {
    local dir=$top/build/etcd
    [ ! -x "$dir/usr/bin/etcd" ] || return 0
    download etcd-server "$dir"
    dpkg -x "$dir"/etcd-server_*.deb "$dir"
}

# Unpacks promtool only, which checks rules and needs no library. Debian 13 has it in a separate package.
fetch_promtool() {
    local dir=$top/build/prometheus package=prometheus
    [ ! -x "$dir/usr/bin/promtool" ] || return 0
    apt_update_once
    ! apt-cache show promtool >/dev/null 2>&1 || package=promtool
    download "$package" "$dir"
    dpkg-deb --fsys-tarfile "$dir"/*.deb | tar -x -C "$dir" ./usr/bin/promtool
    rm "$dir"/*.deb
}

# shellcheck disable=SC2034
build_packages=(gcc libc6-dev libcrypt-dev meson ninja-build pkg-config libssl-dev libjson-c-dev libpam0g-dev
    libsystemd-dev libsqlite3-dev libpq-dev libcurl4-openssl-dev)
# shellcheck disable=SC2034
container_packages=(systemd systemd-sysv systemd-container dbus libpam-systemd sudo openssh-client curl
    python3 openssl login passwd procps pamtester)
# Programs that the system suite runs below `jwtctl run`; ansible-core is 25 MB with what it needs.
# shellcheck disable=SC2034
system_packages=(git rsync make ansible-core)

# build DIR [MESON OPTION...]: configures DIR once, then builds.
build() {
    local dir=$1
    shift
    if [ ! -e "$dir/build.ninja" ]; then
        rm -rf "$dir"
        meson setup "$dir" "$top" "$@" >"/tmp/jwt-build.$$" 2>&1 </dev/null ||
            { cat "/tmp/jwt-build.$$" >&2; rm -f "/tmp/jwt-build.$$"; return 1; }
    fi
    ninja -C "$dir" >"/tmp/jwt-build.$$" 2>&1 </dev/null ||
        { cat "/tmp/jwt-build.$$" >&2; rm -f "/tmp/jwt-build.$$"; return 1; }
    rm -f "/tmp/jwt-build.$$"
}

# release_root RELEASE PACKAGE...: prints the directory of a minimal root of that Debian release (bookworm or trixie)
# with these packages, made by debootstrap from this machine's mirror at the first call. Callers use it as the
# lower directory of an overlay and never write into it.
release_root() {
    local release=$1 root
    shift
    root=$cache/roots/$release${1:+-$(printf '%s\n' "$@" | LC_ALL=C sort -u | sha256sum | head -c 8)}
    mkdir -p "$cache/roots"
    (
        flock 9
        [ -d "$root" ] || make_release_root "$release" "$root" "$@"
    ) 9>"$cache/roots/$release.lock" || return
    printf '%s\n' "$root"
}

# The log names the mirror: it is kept, not shown.
make_release_root() {
    local release=$1 root=$2 new=$2.new mirror
    shift 2
    say "Making a root of Debian $release${1:+ with: $*}"
    rm -rf "$new"
    if [ $# -eq 0 ]; then
        install_packages debootstrap
        # shellcheck disable=SC2016 # apt's own variable
        mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
        debootstrap --variant=minbase "$release" "$new" "$mirror" >"$root.log" 2>&1 </dev/null ||
            die "debootstrap failed; see $root.log"
        cp -r /etc/apt/apt.conf.d "$new/etc/apt/"
        printf '#!/bin/sh\nexit 101\n' >"$new/usr/sbin/policy-rc.d"
        chmod 755 "$new/usr/sbin/policy-rc.d"
        echo force-unsafe-io >"$new/etc/dpkg/dpkg.cfg.d/unsafe-io"
    else
        [ -d "$cache/roots/$release" ] || make_release_root "$release" "$cache/roots/$release"
        cp -a "$cache/roots/$release" "$new"
        cp /etc/resolv.conf "$new/etc/"
        in_root "$new" sh -c 'apt-get -q update && exec apt-get -q -y --no-install-recommends install "$@"' sh "$@" \
            >"$root.log" 2>&1 </dev/null || die "apt-get failed in the root of $release; see $root.log"
    fi
    rm -f "$root.log"
    mv "$new" "$root"
}

# in_root ROOT COMMAND...: runs the command in this root with its own mounts of /proc and /dev.
in_root() {
    # shellcheck disable=SC2016 # expanded by the inner shell
    DEBIAN_FRONTEND=noninteractive unshare -m sh -c '
        root=$1 && shift && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
        exec chroot "$root" "$@"' sh "$@"
}

# run_in_release RELEASE COMMAND...: runs the command in the tree, in a root of that release, which is kept: the packages
# that it installs are there the next time.
run_in_release() (
    release=$1
    root=$cache/test-$release
    shift
    base=$(release_root "$release")
    exec 9>"$root.lock"
    flock 9
    if [ ! -d "$root" ]; then
        rm -rf "$root.new"
        cp -a "$base" "$root.new"
        mkdir "$root.new/jwt"
        mv "$root.new" "$root"
    fi
    cp /etc/resolv.conf "$root/etc/"
    scope=()
    # Under systemd the container of the suite system needs a delegated cgroup.
    [ ! -d /run/systemd/system ] || scope=(systemd-run --quiet --scope --property=Delegate=yes)
    # pivot_root, because a test needs a user namespace, which cannot be created in a chroot.
    # shellcheck disable=SC2016 # expanded by the inner shell
    exec "${scope[@]}" unshare -m sh -c '
        root=$1 && top=$2 && shift 2 && mount --bind "$root" "$root" && cd "$root" && mount --bind "$top" jwt &&
        mount --rbind /dev dev && mount -t proc proc proc && pivot_root . mnt && cd /jwt && umount -l /mnt && exec "$@"
        ' sh "$root" "$top" env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" CI="${CI:-}" JWT_INSIDE="$release" \
        FUZZ_SECONDS="${FUZZ_SECONDS:-}" PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-}" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
)
