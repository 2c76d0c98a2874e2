"""What the tests run against, of the build in $BUILD. A test that takes `d` gets the three daemons, one that
takes `issuer` or `login` that daemon alone; a mark of the same name gives its settings."""

import os
import re

import pytest
import wire
from daemons import Daemons
from issuer_daemon import Issuer
from login_daemon import Login


def pytest_configure(config):
    for name in ("daemons", "issuer", "login"):
        config.addinivalue_line("markers", f"{name}(settings, ...): the arguments of {name.capitalize()}()")


def started(kind, name, request, build, **more):
    mark = request.node.get_closest_marker(name)
    return kind(build, *mark.args, **mark.kwargs, **more) if mark else kind(build, **more)


@pytest.fixture(scope="session")
def build():
    return os.path.abspath(os.environ["BUILD"])


@pytest.fixture
def d(request, build):
    """Afterwards their log must hold no token and no password, and each process must have ended as it
    should."""
    daemons = started(Daemons, "daemons", request, build, issuer="scripted" not in request.fixturenames)
    yield daemons
    log = daemons.stop()
    print(log[-1500:])
    assert not re.search(r"eyJhbGciOi|correct horse|staple battery|no such secret", log), "leaked:\n" + log
    assert "Sanitizer" not in log and "runtime error" not in log, log
    for daemon in daemons.all:
        assert set(daemon.exits) <= daemons.expected_exits, (daemon.argv[0], daemon.exits)


@pytest.fixture
def scripted(d):
    """In place of jwtd-issuer: it answers what the test says."""
    return wire.ScriptedIssuer(d)


@pytest.fixture
def issuer(request, build):
    daemon = started(Issuer, "issuer", request, build)
    yield daemon
    print(daemon.text("log")[-1500:])
    daemon.stop()


@pytest.fixture
def login(request, build):
    daemon = started(Login, "login", request, build)
    yield daemon
    print(daemon.read("log")[-1500:])
    daemon.stop()
