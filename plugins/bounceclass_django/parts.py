"""What reads and decides, made once a process from BOUNCECLASS_CONFIG in Django's settings, else from our defaults."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
from anymail.utils import get_anymail_setting
from django.conf import settings

from bounceclass.config import settings_from
from bounceclass.engine import Engine
from bounceclass.model import Trust
from bounceclass.packs import load
from bounceclass.policy import Policy
from bounceclass_django.reading import PACK

__all__ = ["Parts", "grade_of", "parts"]

_ALWAYS_SIGNED: Final = frozenset({"Mailgun", "MailerSend", "Mandrill"})
"""Whose posts anymail never takes without a signature that verifies."""


class Parts(msgspec.Struct, frozen=True):
    """All that is needed."""

    engine: Engine
    policy: Policy


@cache
def parts() -> Parts:
    """Return them; raises SettingsError for a configuration that does not fit."""
    configuration = settings_from(getattr(settings, "BOUNCECLASS_CONFIG", None))
    engine = Engine(configuration, packs=[load(PACK, examples=False)])
    return Parts(engine, Policy(configuration, configuration.trust, configuration.policy))


def grade_of(esp_name: str) -> tuple[Trust, str]:
    """Return how far an ESP's events are believed, and why: not at all where anybody could have posted them."""
    if esp_name in _ALWAYS_SIGNED:
        return Trust.SIGNED, f"{esp_name}'s signature verifies"
    if get_anymail_setting("webhook_secret", default=None):
        return Trust.SIGNED, f"posted with the secret that {esp_name} was given"
    return Trust.NONE, "ANYMAIL has no WEBHOOK_SECRET, so anybody could have posted it"
