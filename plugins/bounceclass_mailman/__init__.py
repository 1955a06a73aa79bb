"""Mailman 3: its members are disabled and re-enabled from elsewhere, by its REST API; `runner` and `delivery` work within it.

docs/mailman.md says how each is switched on.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.secret import read_secret
from bounceclass.settings import SecretSource  # noqa: TC001  msgspec reads the annotations at run time

if TYPE_CHECKING:
    from bounceclass_mailman.membership import Membership

__all__ = ["Settings", "plugin"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which Mailman, and what is done to its members."""

    url: str = "http://localhost:8001/3.1"
    """Of the REST API, with its version."""
    user: str = "restadmin"
    password: SecretSource
    """`{ file = "..." }`, `{ variable = "..." }` or `{ secret = "..." }`."""
    lists: tuple[str, ...] = ()
    """Only these: list ids, or posting addresses; empty: all of the site."""
    suppress: Literal["disable", "remove"] = "disable"
    """Whether a member is disabled by bounces, or taken off the list; who was taken off stays off at a release."""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """Seconds for one request, and for what one call changes, which goes on at the next; keep it below a third of `limits.hook_seconds`."""


def plugin(settings: Settings) -> Membership:
    """Return what acts on members; raises SettingsError where the password can't be read."""
    from bounceclass_mailman.membership import Membership  # noqa: PLC0415  needs mailmanclient, which Mailman's own side does not

    if not settings.url.startswith(("http://", "https://")):
        msg = f"url: {settings.url!r} is no http: or https: URL"
        raise SettingsError(msg)
    return Membership(settings, read_secret(settings.password, os.environ, "password").decode())
