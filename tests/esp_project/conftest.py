"""Django is set up before the tests of the project are imported."""

from __future__ import annotations

import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.esp_project.settings"
django.setup()
