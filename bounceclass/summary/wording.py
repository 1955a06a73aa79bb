"""The words of the summary in one language: what text and HTML say alike. Remote text comes out as it is; who prints it sees to that."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass import explain
from bounceclass.knowledge import data_file

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.summary.contents import Fix, Rates, Summary, Suppressed

__all__ = ["PROVIDER_IN_HEAD", "Wording", "moment", "tables"]

PROVIDER_IN_HEAD: Final = frozenset({"blocked", "reputation", "sender", "rate"})
"""Words of `Fix.what` whose sentence names the provider."""


@cache
def tables(language: str) -> dict[str, dict[str, Any]]:
    """Return the words of a language, by table and key."""
    found: dict[str, dict[str, Any]] = msgspec.toml.decode(data_file(f"summary/{language}.toml"))
    return found


def moment(at: datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}Z"


class Wording:
    """One language's sentences."""

    def __init__(self, language: str) -> None:
        """Take the code of a language that there are words in."""
        self.language = language
        self._tables = tables(language)
        self._scopes = explain.words(language)["scope"]

    def say(self, table: str, key: str, **values: object) -> str:
        """Return words, with values put in."""
        text: str = self._tables[table][key]
        return text.format(**values) if values else text

    def count(self, what: str, number: int) -> str:
        """Return a number with its noun."""
        one, many = self._tables["counts"][what]
        return (one if number == 1 else many).format(n=f"{number:,}")  # type: ignore[no-any-return]

    def reason(self, word: str) -> str:
        """Return what a reason is called; a word of a later version stands for itself."""
        return str(self._tables["reasons"].get(word, word))

    def scope(self, word: str) -> str:
        """Return what a scope is called."""
        return self._scopes.get(word, word)

    def span(self, summary: Summary) -> str:
        """Return from when to when."""
        return self.say("page", "span", since=moment(summary.since), until=moment(summary.until))

    def head(self, fix: Fix) -> str:
        """Return what is wrong, in a sentence."""
        heads = self._tables["heads"]
        known = [f"{fix.what}_{asset}" for asset in ("ip", "domain") if getattr(fix, asset)]
        key = next(name for name in (*known, fix.what) if name in heads)
        return self.say(
            "heads",
            key,
            ip=fix.ip,
            domain=fix.domain,
            list=fix.list,
            checks=", ".join(check.upper() for check in fix.checks) or heads["checks"],
            providers=", ".join(fix.providers) or heads["somebody"],
            reason=self.reason(fix.reason),
        )

    def facts(self, fix: Fix) -> str:
        """Return how many, since when, and how many of these are certain."""
        first, last = moment(fix.first), moment(fix.last)
        when = first if first == last else self.say("labels", "first_last", first=first, last=last)
        certain = "" if fix.believed == fix.count else "; " + self.say("labels", "believed", believed=f"{fix.believed:,}")
        return f"{self.count('refusals', fix.count)}, {when}{certain}"

    def beside(self, one: Suppressed) -> str:
        """Return what else is to say of new entries: by whom, of what, still there or not."""
        parts = (("by_hand", one.by_hand), ("domains", one.domains), ("lifted", one.lifted))
        return ", ".join(f"{self.say('labels', key)}: {number:,}" for key, number in parts if number)

    def rates(self, rates: Rates) -> tuple[str, ...]:
        """Return the rates and what they are shares of, or that they aren't known."""
        if rates.basis is None or rates.bounce_rate is None or rates.complaint_rate is None:
            return (self.say("notes", "rates_unknown"),)
        values = {
            "bounces": self.count("bounces", rates.bounces or 0),
            "complaints": self.count("complaints", rates.complaints or 0),
            "of": f"{rates.of:,}",
            "since": moment(rates.since) if rates.since else "",
        }
        shares = (self.say("notes", key, rate=f"{getattr(rates, key):.2%}") for key in ("bounce_rate", "complaint_rate"))
        return (*shares, self.say("notes", f"rates_{rates.basis}", **values))
