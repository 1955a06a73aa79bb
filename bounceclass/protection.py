"""Who is never suppressed without the operator: our own addresses, those that the RFCs ask for, and what the settings name."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from bounceclass.addresses import comparable
from bounceclass.judge import host_is_ours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bounceclass.settings import TrustSettings

__all__ = ["Protection"]

_ALWAYS: Final = frozenset({"postmaster", "abuse"})
"""RFC 5321 4.5.1 and RFC 2142: people who write to them look after mail."""


class Protection:
    """Settings made ready, once."""

    def __init__(self, trust: TrustSettings, globs: Sequence[str] = ()) -> None:
        """Take our domains and return path, and further addresses as patterns of the shell."""
        self._domains = tuple(domain.lower() for domain in trust.domains)
        self._path, _, self._host = comparable(trust.return_path or "").rpartition("@")
        self._separator = trust.separator
        self._globs = tuple(comparable(glob) for glob in globs)

    def covers(self, address: str) -> bool:
        """Tell whether an address is protected."""
        name = comparable(address)
        local, _, domain = name.rpartition("@")
        is_return_path = bool(self._path) and domain == self._host and local.startswith(self._path) and local[len(self._path) :][:1] in {"", self._separator}
        named = any(fnmatchcase(name, glob) for glob in self._globs)
        return named or is_return_path or local in _ALWAYS or host_is_ours(domain, self._domains)

    def covers_domain(self, domain: str) -> bool:
        """Tell whether a domain, in comparable form, is ours or may have protected addresses."""
        return host_is_ours(domain, self._domains) or any(fnmatchcase(domain, glob.rpartition("@")[2]) for glob in self._globs)
