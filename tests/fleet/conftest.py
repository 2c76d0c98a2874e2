"""The hosts are set up once: by test_tour.py, or before the first test that is run without it."""

import fleet
import pytest


@pytest.fixture(scope="session")
def ready():
    if not fleet.is_set_up():
        fleet.set_up()
