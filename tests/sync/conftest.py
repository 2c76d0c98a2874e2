import pytest

from host import Host
from issuer import Issuer, Server


@pytest.fixture
def issuer():
    return Issuer()


@pytest.fixture
def host():
    h = Host()
    yield h
    h.remove()


@pytest.fixture
def server(issuer, host):
    """An issuer's server, and a host that trusts its first bundle key."""
    s = Server(issuer)
    host.set(s.url, issuer.chain[0].thumbprint)
    yield s
    s.stop()

# Runs in the container.
collect_ignore = ["guest"]
