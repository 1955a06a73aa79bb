r"""Addresses in a log: hashed unless asked for, whatever wrote the line.

    hashed    ruth@example.org  ->  hmac:9f86d081884c7d65...       the same person, the same hash
    hidden    ruth@example.org  ->  [address]
    shown     as it is

Anything with an "@" between two words counts as one, spelt "%40" and "=40" too: a Message-ID more is no loss. What the
operator's own configuration says is left alone, such as a mailbox's path.

The key is the store's `hash_key`, so that the hash leads to what is kept (`suppressions why hmac:...`), else one that is
made at the start and forgotten at the end.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from bounceclass.secret import read_secret
from bounceclass.store.naming import Naming

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.config import Configuration

__all__ = ["Concealment", "concealment_for"]

HIDDEN: Final = "[address]"
_AT: Final = re.compile(r"[@\uff20\ufe6b]|[%=]40|&#(?:64|x40);", re.IGNORECASE)
_WORD: Final = r'(?:&\#(?:64|x40);|[^\s<>(),;:"\[\]])'
_CANDIDATE: Final = rf"""
    (?P<address>
      \\*"(?:[^"\\]|\\[^"]|\\"(?!@)){{0,256}}\\*"@ (?:{_WORD}+|\[[^\]\s]*\])     # a quoted local part may hold anything
      | {_WORD}+ (?:(?<=@)\[[^\]\s]*\])?                                         # and a domain may be an IP address
    )"""
_EDGES: Final = "'`{}*|.!?"
_USER: Final = re.compile(r"\A[\w+.-]+://([^/@:]*)(?::[^/]*)?@(.*)\Z")


class Concealment:
    """Conceals the addresses in a text."""

    def __init__(self, mode: str, key: bytes, own: Iterable[str] = ()) -> None:
        """Take `hashed`, `hidden` or `shown`, the key of the hashes, and which texts with an @ are the operator's own."""
        self.mode = mode
        self._naming = Naming(secret=key)
        kept = "|".join(re.escape(text) for text in sorted(own, key=len, reverse=True))
        self._pattern = re.compile(f"(?P<own>{kept})|{_CANDIDATE}" if kept else _CANDIDATE, re.VERBOSE)

    def text(self, text: str) -> str:
        """Return a text without the addresses in it."""
        if self.mode == "shown" or not _AT.search(text):
            return text
        return self._pattern.sub(self._replace, text)

    def person(self, name: str) -> str:
        """Return what stands for somebody, whatever form the name has."""
        if self.mode == "shown":
            return name
        return HIDDEN if self.mode == "hidden" else self._naming.address(name)

    def _replace(self, match: re.Match[str]) -> str:
        found = match["address"]
        if found is None:
            return match[0]
        start, end = len(found) - len(found.lstrip(_EDGES)), len(found.rstrip(_EDGES))
        name = _AT.sub("@", found[start:end])
        local, _, domain = name.rpartition("@")
        if not local or not domain:
            return found
        return found[:start] + self.person(name) + found[end:]


def concealment_for(configuration: Configuration, urls: Iterable[str], key: bytes) -> Concealment:
    """Return what conceals in the log of a run; `key` is for a store without one. Raises SettingsError where its `hash_key` can't be read."""
    source = configuration.store.hash_key
    key = key if source is None else read_secret(source, os.environ, "hash_key")
    said = [*configuration.run.sources, *urls, *([configuration.store.url] if configuration.store.url else [])]
    return Concealment(configuration.log.addresses, key, {own for url in said for own in _own(url)})


def _own(url: str) -> Iterable[str]:
    """Yield the parts of a URL that may stand in a message and look like an address; none has a password."""
    if "@" not in url:
        return
    if user := _USER.match(url):
        yield from (f"//{user[1]}{password}@{user[2]}" for password in ("", ":***", ":..."))
    else:
        yield url.partition(":")[2].partition("?")[0]
