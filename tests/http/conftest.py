"""Fixtures of the daemons of $BUILD. `d` starts all three, `issuer` and `login` start only that daemon; the
marks daemons, issuer and login set their arguments. With STORE=postgresql in the environment, `d` and `issuer` have a
database as their store, and tests with the mark sqlite are left out. `fleet` and `issuers` start several on one PostgreSQL; the mark
fleet sets their settings and number."""

import os
import re

import pytest
import wire
from daemons import Daemons
from fleet import Database, Databases, Fleet, postgresql
from issuer_daemon import Issuer
from login_daemon import Login


def pytest_configure(config):
    for name in ("daemons", "fleet", "issuer", "login"):
        config.addinivalue_line("markers", f"{name}(settings, ...): the arguments of {name.capitalize()}()")
    config.addinivalue_line("markers", "sqlite: about the file of the store")


def pytest_collection_modifyitems(config, items):
    about_sqlite = [item for item in items if SHARED and item.get_closest_marker("sqlite")]
    items[:] = [item for item in items if item not in about_sqlite]
    config.hook.pytest_deselected(items=about_sqlite)


SHARED = os.environ.get("STORE") == "postgresql"


def started(kind, name, request, build, **more):
    mark = request.node.get_closest_marker(name)
    return kind(build, *mark.args, **mark.kwargs, **more) if mark else kind(build, **more)


def stop(daemons):
    """Checks that the log has no token and no password and that each process exited with an expected status."""
    log = daemons.stop()
    print(log[-1500:])
    assert not re.search(r"eyJhbGciOi|correct horse|staple battery|no such secret", log), "leaked:\n" + log
    assert "Sanitizer" not in log and "runtime error" not in log, log
    for daemon in daemons.all:
        assert set(daemon.exits) <= daemons.expected_exits, (daemon.argv[0], daemon.exits)


@pytest.fixture(scope="session")
def build():
    return os.path.abspath(os.environ["BUILD"])


@pytest.fixture(scope="session")
def databases(build):
    if postgresql.missing():
        pytest.skip(postgresql.missing())
    databases = Databases(build)
    yield databases
    databases.cluster.remove()


@pytest.fixture
def database(request):
    """What `d` and `issuer` have as their store; None: a file."""
    if not SHARED:
        yield None
        return
    new = Database(request.getfixturevalue("databases"))
    yield new
    new.drop()


@pytest.fixture
def d(request, build, database):
    daemons = started(Daemons, "daemons", request, build, issuer="scripted" not in request.fixturenames,
                      database=database)
    yield daemons
    stop(daemons)


def stop_issuer(issuer):
    print(issuer.text("log")[-1500:])
    issuer.stop()


@pytest.fixture
def scripted(d):
    """Replaces jwtd-issuer; the test sets its replies."""
    issuer = wire.ScriptedIssuer(d)
    yield issuer
    issuer.stop()


@pytest.fixture
def issuer(request, build, database):
    daemon = started(Issuer, "issuer", request, build, database=database)
    yield daemon
    stop_issuer(daemon)


@pytest.fixture
def login(request, build):
    daemon = started(Login, "login", request, build)
    yield daemon
    print(daemon.read("log")[-1500:])
    daemon.stop()


def several(of, end, request, build, databases):
    fleet = started(Fleet, "fleet", request, build, databases=databases, of=of)
    yield fleet
    for member in fleet:
        end(member)
    fleet.end()


@pytest.fixture
def fleet(request, build, databases):
    """Several Daemons."""
    yield from several(Daemons, stop, request, build, databases)


@pytest.fixture
def issuers(request, build, databases):
    """Several Issuers."""
    yield from several(Issuer, stop_issuer, request, build, databases)
