"""A Django app: django-anymail's tracking events, read and decided as we do; a suppression model; a mail backend that refuses who is on it.

docs/django.md says how it is switched on. Nothing of Django is imported here.
"""

from __future__ import annotations

__all__: list[str] = []
