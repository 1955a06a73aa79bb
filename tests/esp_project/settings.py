"""A Django project that sends by ESPs and hears of them through django-anymail."""

from __future__ import annotations

from django import VERSION

SECRET_KEY = "of a test"  # noqa: S105
INSTALLED_APPS = ["anymail", "bounceclass_django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "tests.esp_project.urls"
ALLOWED_HOSTS = ["testserver"]
USE_TZ = True
ANYMAIL = {"WEBHOOK_SECRET": "us:secret", "MAILGUN_WEBHOOK_SIGNING_KEY": "key-of-mailgun", "POSTMARK_SERVER_TOKEN": "token"}
_BACKEND = "tests.esp_project.backends.Outbox"
if VERSION < (6, 1):
    EMAIL_BACKEND = _BACKEND
else:
    MAILERS = {"default": {"BACKEND": _BACKEND}}
