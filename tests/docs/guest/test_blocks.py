"""Every block of README.md and docs/ is run by a test, or is listed here with its reason."""

import glob
import importlib
import os

from blocks import BLOCKS, HERE, TOP, blocks_of

# A test takes its blocks when it is loaded.
for path in glob.glob(f"{HERE}/test_*.py"):
    if os.path.basename(path) != "test_blocks.py":
        importlib.import_module(os.path.basename(path).removesuffix(".py"))

# Blocks without commands.
OUTPUT = {
    ("README.md", "client: jwtctl, curl"): "diagram",
    ("README.md", "common/     base"): "list of directories",
    ("architecture.md", "client --HTTP--> jwtd"): "diagram",
    ("scale.md", "processor of jwtd"): "formula",
}
# Blocks that are run by another test, or by hand.
ELSEWHERE = {
    ("README.md", "./demo\n"): "./demo and ./test run this test",
    ("README.md", "./package bookworm\n"): "test_four_commands_lead_to_sudo_by_a_token",
    ("admin.md", "apt install ./build/packages"): "test_upgrades_and_downgrades_make_no_login_no_refresh_and_no_ssh_fail",
    ("admin.md", "apt remove jwtd"): "test_the_profile_leaves_the_stacks_before_the_module_is_removed",
    ("admin.md", "# /etc/apparmor.d/local/jwtd-login"): "tests/packaging/apparmor parses it",
    ("admin.md", "apt install gcc meson"): "./demo builds with these packages, tests/system/guest/setup types the rest",
    **{("admin.md", start): "test_a_session_is_copied_and_goes_on" for start in (
        "runuser -u postgres", "# /etc/jwt/jwt.conf.d/database.conf", "install -d -m 0700 /etc/credstore",
        "read -rsp 'Password of jwtd_owner", "systemctl stop jwtd.socket jwtd-tcp.socket jwtd-issuer.socket jwtd-issuer-admin.socket "
        "jwtd.service jwtd-issuer.service\njwtctl store copy", "# /etc/systemd/system/jwtd-issuer.service.d/database.conf")},
    ("fleet.md", ""): "test_every_block_of_the_page_was_run",
    ("coverage.md", "tests/unit/coverage"): "takes minutes; run by hand, CONTRIBUTING.md",
    ("performance.md", ""): "measurements, run by hand on a quiet machine",
}


def reason(block):
    return next((why for (page, start), why in [*OUTPUT.items(), *ELSEWHERE.items()]
                 if block.page == page and block.text.startswith(start)), None)


def test_every_block_has_a_test_or_a_reason():
    missing = [str(b) for b in BLOCKS if not b.taken and not reason(b)]
    assert not missing, "no test runs\n" + "\n".join(missing)
    assert not [str(b) for b in BLOCKS if b.taken and reason(b)]


def test_every_reason_is_needed():
    for page, start in [*OUTPUT, *ELSEWHERE]:
        assert any(b.page == page and b.text.startswith(start) for b in BLOCKS), (page, start)


def test_every_test_that_a_reason_names_exists():
    """In the container there are no sources."""
    text = "".join(open(path, encoding="utf-8").read() for path in glob.glob(f"{TOP}/tests/**/test_*.py", recursive=True))
    assert not [why for why in ELSEWHERE.values() if why.startswith("test_") and text and f"def {why}(" not in text]


def test_blocks_are_found_in_each_form():
    text = "# A\n\n    one\n\n    two\n- x\n    no block\n\n## B\n```sh\nthree\n```\nx\n\n    four\n"
    assert [(b.heading, b.text) for b in blocks_of("x.md", text)] == [
        ("A", "one\n\ntwo\n"), ("B", "three\n"), ("B", "four\n")]
