#!/usr/bin/python3
"""A client of jwtd, or of djangorestframework-simplejwt, with the library requests.

    client.py URL USER        # the password is read from the terminal or from standard input

Logs in, asks who it is, and logs out. An access token lives for minutes: when a request gets 401, TokenAuth exchanges the
refresh token for a new pair, once, and repeats the request.
"""

import getpass
import sys
import threading

import requests


class TokenAuth(requests.auth.AuthBase):
    """Sends the access token with each request. May be shared by threads: a refresh token is used once only."""

    def __init__(self, url, session):
        self.url, self.session = url, session
        self.access = self.refresh = None
        self.lock = threading.Lock()

    def post(self, path, **fields):
        reply = self.session.post(self.url + path, json=fields, auth=NoToken(), timeout=60)
        reply.raise_for_status()
        return reply.json()

    def login(self, user, password):
        self.keep(self.post("/api/token/", username=user, password=password))

    def keep(self, pair):
        self.access = pair["access"]
        self.refresh = pair.get("refresh", self.refresh)

    def renew(self, old):
        with self.lock:
            if self.access == old:  # no other thread has renewed it
                self.keep(self.post("/api/token/refresh/", refresh=self.refresh))

    def logout(self):
        self.post("/api/token/blacklist/", refresh=self.refresh)

    def __call__(self, request):
        access = self.access
        request.headers["Authorization"] = "Bearer " + access
        request.register_hook("response", lambda reply, **options: self.repeat(reply, access, options))
        return request

    def repeat(self, reply, access, options):
        if reply.status_code != 401:
            return reply
        reply.content  # reads the rest, so that the connection can be used again
        try:
            self.renew(access)
        except requests.HTTPError:
            return reply  # the session has ended: the 401 stands
        again = reply.request.copy()
        again.deregister_hook("response", again.hooks["response"][-1])
        again.headers["Authorization"] = "Bearer " + self.access
        answer = reply.connection.send(again, **options)
        answer.history.append(reply)
        return answer


class NoToken(requests.auth.AuthBase):
    def __call__(self, request):
        return request


def main(url, user):
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with requests.Session() as session:
        auth = TokenAuth(url, session)
        auth.login(user, password)
        session.auth = auth
        reply = session.get(url + "/api/user/", timeout=60)
        reply.raise_for_status()
        print(reply.json()["username"])
        auth.logout()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
