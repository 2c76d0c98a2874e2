import pytest
from harness import make_key


@pytest.fixture(scope="session", autouse=True)
def keys():
    """The key of the local issuer and one of another, as files in the tests' directory."""
    make_key("key")
    make_key("idp")
