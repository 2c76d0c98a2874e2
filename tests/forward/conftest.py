"""Two hosts: web1 issues tokens, and alice has logged in there; web2 verifies them with copies of its public files."""

import files
import fleet
import pytest

FILES = ("issuer", "jwks.json", "revoked")


@pytest.fixture(scope="session")
def near():
    host = fleet.HOSTS["web1"]
    host.good("jwtctl login", "alice", text=fleet.ALICE + "\n")
    return host


@pytest.fixture(scope="session")
def far(near):
    host = fleet.HOSTS["web2"]
    for name in FILES:
        files.write(host.path(f"/var/lib/jwt/{name}"), near.read(f"/var/lib/jwt/{name}"))
    return host
