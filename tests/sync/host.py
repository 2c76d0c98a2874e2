"""A host below a directory, on which sync-fetch and sync-install of $BUILD run with --root."""

import os
import re
import shutil
import subprocess
import tempfile

BUILD = os.path.abspath(os.environ["BUILD"])
FETCH = BUILD + "/jwtctl/sync/sync-fetch"
INSTALL = BUILD + "/jwtctl/sync/sync-install"
JWTCTL = BUILD + "/jwtctl/jwtctl"
SPOOL_UID = 65533


class Host:
    def __init__(self):
        self.root = tempfile.mkdtemp(prefix="sync-")
        os.chmod(self.root, 0o755)
        for name in ("etc/jwt/jwt.conf.d", "var/lib/jwt", "var/lib/jwt-sync", "run/jwt-sync"):
            os.makedirs(f"{self.root}/{name}")
        os.chown(self.path("run/jwt-sync"), SPOOL_UID, SPOOL_UID)

    def remove(self):
        shutil.rmtree(self.root)

    def path(self, name):
        return f"{self.root}/{name}"

    def set(self, url, *trust, audience="web2"):
        """[Sync] of the settings."""
        with open(self.path("etc/jwt/jwt.conf.d/sync.conf"), "w", encoding="utf-8") as f:
            f.write(f"[Sync]\nURL={url}\nTrust={' '.join(trust)}\nAudience={audience}\n")

    def read(self, name):
        try:
            with open(self.path(name), "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def public(self):
        """The files that decide a login, and the state of sync-install."""
        names = [f"{directory}/{name}" for directory in ("var/lib/jwt", "var/lib/jwt-sync")
                 for name in sorted(os.listdir(self.path(directory)))]
        return {name: self.read(name) for name in names}

    def spooled(self):
        return os.listdir(self.path("run/jwt-sync"))

    def synced(self):
        return dict(entry.split("=", 1) for entry in self.read("var/lib/jwt/synced").decode().splitlines())

    def spool(self, bundle=None, revoked=None):
        """What a fetcher writes."""
        for name, data in (("bundle", bundle), ("revoked", revoked)):
            if data is not None:
                with open(self.path("run/jwt-sync/" + name), "wb") as f:
                    f.write(data)
                os.chown(f.name, SPOOL_UID, SPOOL_UID)

    def run(self, program, env=None, wrap=(), timeout=120):
        return subprocess.run([*wrap, program, "--root=" + self.root], capture_output=True, text=True, timeout=timeout,
                              env={"PATH": os.environ["PATH"], **(env or {})})

    def fetch(self, before=(), after=(), **more):
        user = ("setpriv", f"--reuid={SPOOL_UID}", f"--regid={SPOOL_UID}", "--clear-groups")
        return Outcome(self, self.run(FETCH, wrap=(*before, *user, *after), **more))

    def install(self, **more):
        return Outcome(self, self.run(INSTALL, **more))

    def reset(self):
        with open(self.path("var/lib/jwt-sync/reset"), "w", encoding="utf-8"):
            pass

    def sync(self):
        """One run of the timer: sync-install runs only when sync-fetch succeeded."""
        fetched = self.fetch()
        return self.install() if fetched.status == 0 else fetched


class Outcome:
    def __init__(self, host, done):
        self.host, self.status, self.out, self.err = host, done.returncode, done.stdout, done.stderr

    def ok(self):
        assert self.status == 0, self.err
        return self

    def refused(self, reason):
        """One line with the reason."""
        assert self.status == 1, (self.status, self.err)
        assert len(self.err.splitlines()) == 1, self.err
        assert re.search(reason, self.err), self.err
        return self
