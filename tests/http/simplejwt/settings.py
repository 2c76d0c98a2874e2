"""The settings of a small Django site with the real simplejwt; SITE_CONFIG names a JSON file of what
a test wants to be otherwise."""

import base64
import datetime
import json
import os

from cryptography.hazmat.primitives import serialization
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

with open(os.environ["SITE_CONFIG"], encoding="utf-8") as file:
    CONFIG = json.load(file)


def pem_of(jwk):
    """simplejwt takes keys as PEM."""
    key = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}[jwk["kty"]].from_jwk(json.dumps(jwk))
    if "d" in jwk:
        return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption()).decode()
    return key.public_bytes(serialization.Encoding.PEM,
                            serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def value_of(name, value):
    """JSON has neither spans nor bytes: a lifetime comes in seconds, a key as a JWK."""
    if name.endswith("LIFETIME"):
        return datetime.timedelta(seconds=value)
    if not isinstance(value, dict):
        return value
    if value["kty"] != "oct":
        return pem_of(value)
    return base64.urlsafe_b64decode(value["k"] + "=" * (-len(value["k"]) % 4))


SECRET_KEY = "only for a test: nothing of Django's own is signed"
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "urls"
USE_TZ = True
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
if CONFIG.get("origins"):
    INSTALLED_APPS.append("corsheaders")
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")
    CORS_ALLOWED_ORIGINS = CONFIG["origins"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": CONFIG["database"],
                         "OPTIONS": {"timeout": 30}}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if not CONFIG.get("real_hasher"):
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
}
SIMPLE_JWT = {name: value_of(name, value) for name, value in CONFIG["simplejwt"].items()}
