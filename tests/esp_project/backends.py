"""How the project sends."""

from __future__ import annotations

from anymail.backends.test import EmailBackend as AnymailTest
from bounceclass_django.backend import RefusesSuppressed
from django.core.mail.backends.locmem import EmailBackend

__all__ = ["Esp", "Outbox", "Silent"]


class Outbox(RefusesSuppressed, EmailBackend):  # type: ignore[misc]  # Django has no types
    """Keeps what would be sent."""


class Silent(Outbox):
    """The same, which has been asked to fail silently."""

    def __init__(self) -> None:
        super().__init__()
        self.fail_silently = True


class Esp(RefusesSuppressed, AnymailTest):  # type: ignore[misc]  # as above
    """Anymail's own test backend, under the name of an ESP."""

    esp_name = "Postmark"
