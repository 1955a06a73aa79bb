"""The scenarios of `scenarios.toml`: whom a mail is for, and what is said to it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["LISTS", "SENDER_HOST", "Scenario", "Table", "alias_lines", "sender", "table"]

SENDER_HOST: Final = "mail.example.com"
LISTS: Final = "lists.example.com"
"""The domain of the sender; what comes back to it is collected."""
_FIRST_HOST: Final = 10


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One mail and its fate; the head of scenarios.toml says what each key means."""

    reason: tuple[str, ...]
    to: tuple[str, ...]
    at: str = "rcpt"
    reply: tuple[str, ...] = ()
    replies: dict[str, tuple[str, ...]] = {}
    charset: str = "utf-8"
    notify: str | None = None
    utf8: bool = False
    size: int = 0
    becomes: tuple[str, ...] = ()

    def answer(self, recipient: str) -> bytes:
        """Return the reply to a recipient as it goes over the wire, empty where it is accepted."""
        lines = self.replies.get(recipient, self.reply)
        return b"".join(line.encode(self.charset) + b"\r\n" for line in lines)


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of scenarios.toml."""

    domains: dict[str, str]
    scenarios: dict[str, Scenario]

    def hosts(self) -> dict[str, str]:
        """Return the address of each receiving domain's mail host, in order of the file."""
        names = dict.fromkeys(to.rpartition("@")[2] for one in self.scenarios.values() for to in (*one.to, *one.becomes))
        names = {name: None for name in names if name not in self.domains and name != SENDER_HOST}
        return {name.encode("idna").decode(): f"198.51.100.{place}" for place, name in enumerate(names, _FIRST_HOST)}

    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Return what the sending host makes of some of its own local parts."""
        return {one.to[0].partition("@")[0]: one.becomes for one in self.scenarios.values() if one.becomes}


@cache
def table() -> Table:
    """Return the scenarios."""
    return msgspec.toml.decode((Path(__file__).parent / "scenarios.toml").read_bytes(), type=Table)


def alias_lines(mark: str = ":") -> str:
    """Return the aliases of the scenarios as lines of /etc/aliases."""
    return "".join(f"{name}{mark} {', '.join(targets)}\n" for name, targets in table().aliases().items())


def sender(scenario: str) -> str:
    """Return the envelope sender of a scenario, by which its bounce is known again."""
    return f"bounces+{scenario}@{LISTS}"
