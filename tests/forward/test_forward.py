"""jwtctl run --forward: sudo -A on a far host without typing, and what the socket there gives to whom."""


def run(near, command, options="", **more):
    return near.sh(f"jwtctl run --forward {options} -- {command}", "alice", **more)


def test_sudo_on_the_far_host_needs_no_typing(near, far):
    assert run(near, "ssh web2 'sudo -A id -un; hostname'") == (0, "root\nweb2\n")
