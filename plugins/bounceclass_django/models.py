"""Who is not mailed, and what that rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.db.models import Q
from django.utils import timezone

from bounceclass.addresses import comparable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

__all__ = ["LONGEST", "DeliveredMailing", "FailedMailing", "Suppression"]

LONGEST: Final = 320
"""Characters of an address that is kept (RFC 5321 4.5.3.1: 64 and 255)."""
_WORD: Final = 64
_NAME: Final = 255
_AT_ONCE: Final = 500
"""Addresses in one query; SQLite takes so many."""


class Suppressions(models.Manager):  # type: ignore[misc]  # Django has no types
    """How the list is asked."""

    def active(self, now: datetime | None = None) -> Any:  # noqa: ANN401  a QuerySet
        """Return the entries that hold."""
        return self.filter(Q(until=None) | Q(until__gt=now or timezone.now()))

    def scopes_of(self, addresses: Iterable[str]) -> dict[str, set[str]]:
        """Return of some addresses, as they were given, those that are suppressed, and for which scopes: "" is everywhere."""
        forms: dict[str, list[str]] = {}
        for address in addresses:
            forms.setdefault(comparable(address), []).append(address)
        found: dict[str, set[str]] = {}
        names = list(forms)
        for start in range(0, len(names), _AT_ONCE):
            for name, scope in self.active().filter(address__in=names[start : start + _AT_ONCE]).values_list("address", "scope"):
                for address in forms[name]:
                    found.setdefault(address, set()).add(scope)
        return found


class Suppression(models.Model):  # type: ignore[misc]  # as above
    """An address that is not mailed, one row for each cause."""

    address = models.CharField(max_length=LONGEST, db_index=True, help_text="in the form in which addresses are compared")
    scope = models.CharField(max_length=_NAME, blank=True, default="", help_text="the stream or ESP's account that it holds for; empty: all")
    reason = models.CharField(max_length=_WORD)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="empty: for ever")
    cause = models.CharField(max_length=_WORD, blank=True, default="", help_text="the key of the event")
    by = models.CharField(max_length=_WORD, default="person", help_text="who decided; only what the policy did is lifted by deliveries")
    because = models.TextField(blank=True, default="")

    objects = Suppressions()

    class Meta:
        """How Django shows it."""

        ordering = ("-since",)

    def __str__(self) -> str:
        """Name whom, and why."""
        return f"{self.address}: {self.reason}"

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  Django's
        """Keep the address as it is compared, whatever a person wrote."""
        self.address = comparable(self.address)
        super().save(*args, **kwargs)


class FailedMailing(models.Model):  # type: ignore[misc]  # as above
    """One message that did not arrive, however many events told of it."""

    address = models.CharField(max_length=LONGEST)
    mailing = models.CharField(max_length=_NAME)
    stream = models.CharField(max_length=_NAME, blank=True, default="")
    reason = models.CharField(max_length=_WORD)
    at = models.DateTimeField()
    points = models.FloatField(default=1.0)

    class Meta:
        """A mailing fails once for each address."""

        constraints = (models.UniqueConstraint(fields=("address", "mailing"), name="bounceclass_failed_once"),)

    def __str__(self) -> str:
        """Name whom, when, and why."""
        return f"{self.address} at {self.at}: {self.reason}"


class DeliveredMailing(models.Model):  # type: ignore[misc]  # as above
    """One message that arrived at an address that has failed."""

    address = models.CharField(max_length=LONGEST)
    mailing = models.CharField(max_length=_NAME)
    stream = models.CharField(max_length=_NAME, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        """A mailing arrives once at each address."""

        constraints = (models.UniqueConstraint(fields=("address", "mailing"), name="bounceclass_delivered_once"),)

    def __str__(self) -> str:
        """Name whom, and when."""
        return f"{self.address} at {self.at}"
