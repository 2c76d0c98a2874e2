import pytest
from harness import new_key


@pytest.fixture(scope="session", autouse=True)
def keys():
    """The key of the local issuer and one of another, as files in the tests' directory."""
    new_key("key")
    new_key("idp")
