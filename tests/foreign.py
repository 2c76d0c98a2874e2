"""Other issuers for tests: their keys, and tokens with the claims that well-known issuers put into theirs."""

import base64
import json
import subprocess
import tempfile
import time
import uuid


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, data=b""):
    return subprocess.run(["openssl", *arguments], input=data, capture_output=True, check=True).stdout


class Issuer:
    """One key, RS256 or ES256."""

    def __init__(self, url, alg="RS256", kid="a1"):
        self.url, self.alg, self.kid = url, alg, kid
        kind = ("RSA",) if alg == "RS256" else ("EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.key = openssl("genpkey", "-algorithm", *kind)

    def jwks(self):
        public = openssl("pkey", "-pubout", "-outform", "DER", data=self.key)
        jwk = {"kid": self.kid, "use": "sig", "alg": self.alg}
        if self.alg == "RS256":  # ends in: the modulus, 2 bytes of type and length, 65537
            jwk.update(kty="RSA", n=b64(public[-261:-5]), e="AQAB")
        else:
            jwk.update(kty="EC", crv="P-256", x=b64(public[-64:-32]), y=b64(public[-32:]))
        return json.dumps({"keys": [jwk]})

    def write_keys(self, path):
        with open(path, "w", encoding="ascii") as file:
            file.write(self.jwks())

    def signature(self, text):
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.key)
            file.flush()
            der = openssl("dgst", "-sha256", "-sign", file.name, data=text)
        if self.alg == "RS256":
            return der
        r = der[4:4 + der[3]]
        s = der[6 + der[3]:]
        return b"".join(part.lstrip(b"\0").rjust(32, b"\0") for part in (r, s))

    def sign(self, claims, header=None):
        header = {"typ": "JWT", "alg": self.alg, "kid": self.kid, **(header or {})}
        text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{text}.{b64(self.signature(text.encode()))}"

    def token(self, user="alice", lifetime=300, **changes):
        """A short one. A change to None leaves the claim out."""
        now = int(time.time())
        claims = {"iss": self.url, "sub": user, "aud": "jwt-login", "iat": now, "exp": now + lifetime,
                  "jti": str(uuid.uuid4()), **changes}
        return self.sign({k: v for k, v in claims.items() if v is not None})


# The claims of each issuer's tokens, by its documentation, with the length that theirs have. NOW stands for the
# time; the user claim, and the user map's line for it, follow.
def github():
    return {"jti": str(uuid.uuid4()), "sub": "repo:octo-org/octo-repo:environment:prod", "environment": "prod",
            "aud": "https://github.com/octo-org", "ref": "refs/heads/main", "ref_protected": "true",
            "sha": "ab" * 20, "repository": "octo-org/octo-repo", "repository_owner": "octo-org",
            "actor_id": "12", "repository_visibility": "private", "repository_id": "74", "repository_owner_id": "65",
            "run_id": "9876543210", "run_number": "10", "run_attempt": "2", "runner_environment": "github-hosted",
            "actor": "octocat", "workflow": "deploy", "head_ref": "", "base_ref": "", "event_name": "workflow_dispatch",
            "ref_type": "branch", "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
            "job_workflow_sha": "cd" * 20, "workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
            "workflow_sha": "ab" * 20, "enterprise": "octo-enterprise", "enterprise_id": "42",
            "iss": "https://token.actions.githubusercontent.com"}


def gitlab():
    return {"namespace_id": "72", "namespace_path": "my-group", "project_id": "20", "project_path": "my-group/my-project",
            "user_id": "1", "user_login": "sample-user", "user_email": "sample-user@example.com",
            "user_access_level": "developer", "user_identities": [{"provider": "github", "extern_uid": "2435223452345"}],
            "pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": "feature-branch-1",
            "ref_type": "branch", "ref_path": "refs/heads/feature-branch-1", "ref_protected": "false",
            "groups_direct": ["mygroup/mysubgroup", "myothergroup/myothersubgroup"], "environment": "test-environment2",
            "environment_protected": "false", "deployment_tier": "testing", "environment_action": "start",
            "runner_id": 1, "runner_environment": "self-hosted", "sha": "714a629c0b401fdce83e847fc9589983fc6f46bc",
            "project_visibility": "public", "ci_config_ref_uri": "gitlab.example.com/my-group/my-project//.gitlab-ci.yml@refs/heads/main",
            "ci_config_sha": "714a629c0b401fdce83e847fc9589983fc6f46bc", "jti": str(uuid.uuid4()),
            "iss": "https://gitlab.example.com", "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
            "aud": "https://jwt.example"}


def keycloak():
    return {"jti": str(uuid.uuid4()), "iss": "https://keycloak.example/realms/corp", "aud": ["account", "jwt-login"],
            "sub": str(uuid.uuid4()), "typ": "Bearer", "azp": "jwt-login", "sid": str(uuid.uuid4()), "acr": "1",
            "allowed-origins": ["https://app.corp.example"], "scope": "openid email profile",
            "realm_access": {"roles": ["default-roles-corp", "offline_access", "uma_authorization"]},
            "resource_access": {"account": {"roles": ["manage-account", "manage-account-links", "view-profile"]}},
            "email_verified": True, "name": "Alice Example", "preferred_username": "alice@corp.example",
            "given_name": "Alice", "family_name": "Example", "email": "alice@corp.example",
            "groups": [f"/corp/departments/engineering/team-{n}" for n in range(12)]}


def kubernetes():
    return {"aud": ["https://jwt.example"], "iss": "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
            "jti": str(uuid.uuid4()), "sub": "system:serviceaccount:deploy:alice",
            "kubernetes.io": {"namespace": "deploy", "node": {"name": "ip-10-0-1-17.eu-central-1.compute.internal",
                                                             "uid": str(uuid.uuid4())},
                              "pod": {"name": "deployer-6d5f7c9b8-x2x7q", "uid": str(uuid.uuid4())},
                              "serviceaccount": {"name": "alice", "uid": str(uuid.uuid4())}, "warnafter": 2000000000}}


def entra():
    tenant = "9188040d-6c67-4c5b-b112-36a304b66dad"
    return {"aud": "6e74172b-be56-4843-9ff4-e66a39bb12e3", "iss": f"https://login.microsoftonline.com/{tenant}/v2.0",
            "aio": "AXQAi/8" + "Qk3v" * 30, "azp": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "azpacr": "0",
            "name": "Alice Example", "oid": str(uuid.uuid4()), "preferred_username": "alice@corp.example",
            "rh": "0.AQ8A" + "yM9x" * 12, "scp": "access_as_user", "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "groups": [str(uuid.uuid4()) for _ in range(20)], "tid": tenant, "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0"}


def google():
    return {"iss": "https://accounts.google.com", "azp": "108147471234567890123", "aud": "https://jwt.example",
            "sub": "108147471234567890123", "hd": "corp.example", "email": "alice@corp.example", "email_verified": True,
            "at_hash": "HK6E_P6Dh8Y93mRNtsDB1Q",
            "google": {"compute_engine": {"instance_creation_timestamp": 1152842400, "instance_id": "152986662232938449",
                                          "instance_name": "deployer", "project_id": "corp-production",
                                          "project_number": "739419398126", "zone": "europe-west3-a",
                                          "license_id": [str(1000 + n) * 5 for n in range(24)]}}}


# Name: claims, settings of its [Issuer] section besides Keys= and UserMap=, lifetime, value in the user map.
SHAPES = {
    "GitHub Actions": (github, "Audience=https://github.com/octo-org\nType=\nClaim=repository:octo-org/octo-repo\n"
                       "Claim=ref:refs/heads/main\n", 300, "repo:octo-org/octo-repo:environment:prod"),
    "GitLab": (gitlab, "Audience=https://jwt.example\nType=\nClaim=project_path:my-group/my-project\nUserClaim=user_login\n",
               3600, "sample-user"),
    "Keycloak": (keycloak, "Audience=jwt-login\nType=\nClaim=typ:Bearer\nUserClaim=preferred_username\n", 300, "*@corp.example"),
    "Kubernetes": (kubernetes, "Audience=https://jwt.example\nType=\n", 3600, "system:serviceaccount:deploy:*"),
    "Entra": (entra, "Audience=6e74172b-be56-4843-9ff4-e66a39bb12e3\nType=\nUserClaim=preferred_username\n", 4500,
              "alice@corp.example"),
    "Google": (google, "Audience=https://jwt.example\nType=\nUserClaim=email\nClaim=email_verified:true\n", 3600,
               "alice@corp.example"),
}
