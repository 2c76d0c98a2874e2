"""A client of simplejwt's HTTP API, which runs unchanged against simplejwt and jwtd.

    client.py URL USER PASSWORD
"""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(status, body)
        self.status, self.body = status, body


class Client:
    def __init__(self, url):
        self.url = url
        self.access = self.refresh_token = None
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, path, data=None, kind="application/json", **headers):
        request = urllib.request.Request(self.url + path, data, headers)
        if data is not None:
            request.add_header("Content-Type", kind)
        try:
            with self.opener.open(request) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, json.load(error)) from None

    def post(self, path, **fields):
        return self.ask(path, json.dumps(fields).encode())

    def keep(self, reply):
        self.access = reply["access"]
        self.refresh_token = reply.get("refresh", self.refresh_token)

    def login(self, user, password):
        self.keep(self.post("/api/token/", username=user, password=password))

    def login_by_form(self, user, password):
        form = urllib.parse.urlencode({"username": user, "password": password}).encode()
        self.keep(self.ask("/api/token/", form, "application/x-www-form-urlencoded"))

    def refresh(self):
        self.keep(self.post("/api/token/refresh/", refresh=self.refresh_token))

    def logout(self):
        self.post("/api/token/blacklist/", refresh=self.refresh_token)

    def whoami(self):
        return self.ask("/api/user/", Authorization="Bearer " + self.access)["username"]


def refusal(call, *words, **fields):
    try:
        call(*words, **fields)
    except Refused as refused:
        return refused.status, refused.body
    raise AssertionError(f"{call.__name__} was not refused")


def main(url, user, password):
    client = Client(url)
    status, body = refusal(client.login, user, "not " + password)
    assert (status, body) == (401, {"detail": "No active account found with the given credentials"}), body
    status, body = refusal(client.post, "/api/token/", username=user)
    assert (status, body) == (400, {"password": ["This field is required."]}), body

    for login in (client.login, client.login_by_form):
        login(user, password)
        assert client.whoami() == user
        assert client.post("/api/token/verify/", token=client.access) == {}

        before = client.access, client.refresh_token
        client.refresh()
        assert client.whoami() == user
        assert client.access != before[0] and client.refresh_token != before[1]

        status, body = refusal(client.post, "/api/token/refresh/", refresh=client.access)
        assert (status, body["code"], body["detail"]) == (401, "token_not_valid", "Token has wrong type"), body
        client.logout()
        status, body = refusal(client.refresh)
        assert (status, body["code"], body["detail"]) == (401, "token_not_valid", "Token is blacklisted"), body

    client.access = "no.such.token"
    status, body = refusal(client.whoami)
    assert (status, body["code"]) == (401, "token_not_valid"), body
    assert body["messages"][0]["token_class"] == "AccessToken", body


if __name__ == "__main__":
    main(*sys.argv[1:])
