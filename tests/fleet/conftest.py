"""The hosts are set up once: by test_tour.py, or before the first test that is run without it."""

import contextlib
import glob
import io

import pytest


@pytest.fixture(scope="session")
def ready():
    import fleet  # here, because the tests in failures/ have no hosts
    if not fleet.is_set_up():
        fleet.set_up()


@pytest.fixture(scope="session")
def grown(ready):
    """The second part of ./demo fleet; the session of alice that goes on through it."""
    import fleet
    import tour
    if not glob.glob(fleet.issuer().path("/usr/lib/*/jwt/postgresql.so")):
        pytest.skip("the build has no PostgreSQL module (libpq-dev)")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        alice = tour.grow()
    assert all(passed for _, passed in tour.RESULTS), printed.getvalue()
    return alice
