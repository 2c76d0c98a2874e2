"""docs/openapi.yaml and docs/examples/client.py: that they are right, by requests made from them."""

import glob
import importlib.util
import json
import os
import subprocess
import sys
import threading

import jsonschema
import openapi
import pytest
import requests
import yaml
from daemons import ALICE
from django_site import DjangoSite

EXAMPLE = os.path.join(openapi.TOP, "docs", "examples", "client.py")

with open(openapi.FILE, encoding="ascii") as opened:
    WRITTEN = opened.read()
DOCUMENT = yaml.safe_load(WRITTEN)
OPERATIONS = [(path, method) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"]

ours = pytest.mark.daemons(openapi.SETTINGS)


@ours
def test_the_document_is_made_from_the_routes(d):
    assert openapi.text(d) == WRITTEN, openapi.__doc__


def test_the_document_is_valid_openapi():
    package = importlib.util.find_spec("drf_spectacular").submodule_search_locations[0]
    (schema,) = glob.glob(package + "/validation/openapi3_schema.json") or glob.glob(package + "/validation/*3_0_schema.json")
    with open(schema, encoding="utf-8") as file:
        jsonschema.validate(DOCUMENT, json.load(file))


class Caller:
    """Makes the request of an operation, and checks the reply against the document."""

    def __init__(self, d, path, method):
        self.d, self.path, self.method = d, path, method
        self.operation = DOCUMENT["paths"][path][method]
        self.pair = d.obtain()
        self.sliding = d.post("/api/token/sliding/", ALICE).json()["token"]

    def values(self):
        """A value for each required field."""
        token = self.sliding if "sliding" in self.path else self.pair["access"]
        known = dict(ALICE, refresh=self.pair["refresh"], token=token, subject_token=openapi.IDP.token(),
                     grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
                     subject_token_type="urn:ietf:params:oauth:token-type:jwt")
        body = self.operation.get("requestBody")
        return {n: known[n] for n in body["content"]["application/json"]["schema"].get("required", [])} if body else None

    def sid(self):
        return self.d.get("/api/sessions/", self.pair["access"]).json()[0]["sid"]

    def call(self, body, with_token=True):
        headers = [f"Authorization: Bearer {self.pair['access']}"] if with_token else []
        path = self.path.replace("{sid}", self.sid()) if "{sid}" in self.path else self.path
        reply = self.d.request(self.method.upper(), path, b"" if body is None and self.method == "post" else body, headers)
        self.check(reply)
        return reply

    def check(self, reply):
        described = self.operation["responses"].get(str(reply.status))
        assert described, f"{reply.status} is not in the document: {reply.raw}"
        if "content" not in described:
            assert reply.body == b""
            return
        (media, content), = described["content"].items()
        assert reply.header("content-type").split(";")[0] == (media if reply.body else "")
        if media == "application/json":
            schema = dict(content["schema"], components=DOCUMENT["components"])
            jsonschema.validate(reply.json(), schema)


@ours
@pytest.mark.parametrize("path, method", OPERATIONS)
def test_a_request_with_what_the_document_requires_succeeds(d, path, method):
    caller = Caller(d, path, method)
    assert caller.call(caller.values()).status in (200, 204)


@ours
@pytest.mark.parametrize("path, method", [o for o in OPERATIONS if "requestBody" in DOCUMENT["paths"][o[0]][o[1]]])
def test_each_required_field_is_required_and_has_its_type(d, path, method):
    caller = Caller(d, path, method)
    values = caller.values()
    for name in values:
        without = {n: v for n, v in values.items() if n != name}
        error = {"error": "invalid_request"} if "exchange" in path else {}
        assert caller.call(without).json() == {**error, name: ["This field is required."]}
        assert caller.call(dict(values, **{name: [1]})).status == 400


@ours
@pytest.mark.parametrize("path, method", [o for o in OPERATIONS if "security" in DOCUMENT["paths"][o[0]][o[1]]])
def test_a_protected_operation_requires_a_token(d, path, method):
    caller = Caller(d, path, method)
    assert caller.call(caller.values(), with_token=False).status == 401


@ours
@pytest.mark.parametrize("path, method", OPERATIONS)
def test_no_path_has_a_method_that_the_document_does_not_name(d, path, method):
    for other in {"get", "post", "delete", "put", "patch"} - {method}:
        reply = d.request(other.upper(), path.replace("{sid}", "A" * 22), {} if other != "get" else None)
        assert reply.status == 405, reply.raw


def url(server):
    return f"http://127.0.0.1:{server.port}"


def example(base, user=ALICE):
    return subprocess.run([sys.executable, EXAMPLE, base, user["username"]],
                          input=user["password"] + "\n", encoding="utf-8", capture_output=True, check=False)


@pytest.mark.daemons(tcp=True)
def test_the_example_logs_in_and_out_at_jwtd(d):
    done = example(url(d))
    assert (done.returncode, done.stdout) == (0, "alice\n"), done.stderr
    assert len(d.revoked()) == 1
    assert example(url(d), dict(ALICE, password="wrong")).returncode == 1


def test_the_example_logs_in_and_out_at_simplejwt():
    site = DjangoSite({})
    try:
        done = example(url(site))
        assert (done.returncode, done.stdout) == (0, "alice\n"), done.stderr
    finally:
        site.stop()


def module():
    spec = importlib.util.spec_from_file_location("example_client", EXAMPLE)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.mark.daemons(tcp=True)
def test_the_example_refreshes_once_for_all_threads_when_a_request_gets_401(d):
    with requests.Session() as session:
        session.trust_env = False
        auth = module().TokenAuth(url(d), session)
        auth.login(ALICE["username"], ALICE["password"])
        first, auth.access = auth.refresh, "expired"
        said = []
        threads = [threading.Thread(target=lambda: said.append(
            session.get(url(d) + "/api/user/", auth=auth, timeout=60).status_code)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said == [200] * 8 and auth.refresh != first
        assert d.read_log().count("Refresh token exchanged") == 1, d.read_log()
        auth.logout()
        assert session.get(url(d) + "/api/user/", auth=auth, timeout=60).status_code == 401
