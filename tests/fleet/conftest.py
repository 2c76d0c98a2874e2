"""The hosts are set up once: by test_tour.py, or before the first test that is run without it."""

import pytest


@pytest.fixture(scope="session")
def ready():
    import fleet  # here, because the tests in failures/ have no hosts
    if not fleet.is_set_up():
        fleet.set_up()
