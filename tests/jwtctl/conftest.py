import pytest
from harness import new_key


@pytest.fixture(scope="session", autouse=True)
def keys():
    """Ours and another issuer's, as files beside all that a test writes."""
    new_key("key")
    new_key("idp")
