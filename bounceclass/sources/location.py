"""URLs of places with mail: `maildir:/var/mail/bounces?processed=.Done`.

    maildir:FOLDER      a Maildir
    mbox:FILE           an mbox, which is only read

    processed=PLACE     where the inputs of a Maildir go (.Processed); empty deletes them
    quarantine=PLACE    where inputs go that can't be processed (.Quarantine)

A PLACE is a Maildir, beside or within the source unless its path is absolute.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Location", "locate", "without_password"]


class Location(msgspec.Struct, frozen=True):
    """A URL taken apart: the path, and the options."""

    url: str
    path: str
    options: dict[str, str]


_SHOWN: Final = 200
_PASSWORD: Final = re.compile(r"(?<=//)([^/:]*):[^/]*@")


def locate(url: str, options: Collection[str]) -> Location:
    """Take a URL apart. Raises SettingsError for one without a path, and for an option that is none of `options`."""
    parts = urlsplit(url)
    path = unquote(parts.netloc + parts.path)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    strange = [name for name in given if name not in options]
    if not path or parts.fragment or strange:
        what = "names no path" if not path else f"has no option {strange[0]}: known are {', '.join(options)}" if strange else "has a # in it: write %23"
        msg = f"{url[:_SHOWN]}: {what}"
        raise SettingsError(msg)
    return Location(url, path, given)


def without_password(url: str) -> str:
    """Return a URL as it may be shown, also where somebody wrote a password into it."""
    return _PASSWORD.sub(r"\1:...@", url)
