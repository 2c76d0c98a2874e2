"""What the tests of the HTTP API share: fresh daemons for each, and a reply judged to the byte."""

import re

from daemons import QUICK, Daemons

NO_ACCOUNT = b'{"detail":"No active account found with the given credentials"}'


def token_error(message):
    return ('{"detail":"%s","code":"token_not_valid"}' % message).encode()


def with_daemons(settings=QUICK, **more):
    """A test gets fresh daemons; afterwards their log must hold no token and no password, and each
    process must have ended as it should."""

    def wrap(test):
        def body(build):
            daemons = Daemons(build, settings, **more)
            expected = {0}
            try:
                expected |= test(daemons) or set()
            except Exception as error:
                raise AssertionError(f"{error}\n{daemons.read_log()[-1500:]}") from error
            finally:
                log = daemons.stop()
            assert not re.search(r"eyJhbGciOi|correct horse|staple battery|no such secret", log), "leaked:\n" + log
            assert "Sanitizer" not in log and "runtime error" not in log, log
            for daemon in daemons.all:
                assert set(daemon.exits) <= expected, (daemon.argv[0], daemon.exits, log)

        body.__name__ = test.__name__
        body.is_test = True
        return body

    return wrap


def is_answer(reply, status, body, allow="POST, OPTIONS"):
    assert (reply.status, reply.body) == (status, body), (reply.status, reply.body, status, body)
    assert reply.header("Content-Type") == "application/json", reply.headers
    assert reply.header("Vary") == "Accept", reply.headers
    assert reply.header("Allow") == allow, reply.headers
    assert reply.header("Connection") == "close", reply.headers
    assert reply.header("Content-Length") == str(len(body)), reply.headers
    challenge = 'Bearer realm="api"' if status == 401 else ""
    assert reply.header("WWW-Authenticate") == challenge, reply.headers


def tests_of(module):
    """A module's tests, in order."""
    return [value for value in list(vars(module).values())
            if callable(value) and getattr(value, "is_test", False)]
