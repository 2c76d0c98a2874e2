import os

import pytest


@pytest.fixture(scope="session")
def rig():
    from rig import Rig  # here, because the tests of the checker need no databases
    rig = Rig(os.environ["BUILD"])
    yield rig
    log = rig.stop()
    print(log[-3000:])
    assert "Sanitizer" not in log and "runtime error" not in log and "eyJhbGciOi" not in log, log[-20000:]
