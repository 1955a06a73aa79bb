"""The summary as one page for the browser: nothing is loaded from elsewhere, nothing runs, and all that others wrote is text.

Links lead only where our own data says; what a refusal points to is shown, and never to be clicked on.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bounceclass.knowledge import data_file
from bounceclass.summary.figures import bars, columns
from bounceclass.summary.markup import Markup, join, tag
from bounceclass.summary.wording import PROVIDER_IN_HEAD, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bounceclass.summary.contents import Fix, Summary
    from bounceclass.summary.wording import Wording

__all__ = ["page", "put"]

_STYLE: Final = "summary/page.css"
_NUMBER: Final = "number"


def page(summary: Summary, words: Wording) -> str:
    """Return the whole page."""
    style = data_file(_STYLE).decode()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    title = words.say("page", "title")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="robots", content="noindex"),
        tag("title", f"{title}, {words.span(summary)}"),
        tag("style", Markup(style)),
    )
    parts = _Parts(summary, words)
    body = tag("body", parts.header(), tag("main", *parts.sections()), tag("footer", tag("p", words.say("page", "made"))))
    return f"<!doctype html>\n{tag('html', head, body, lang=words.language)}\n"


def put(path: Path, text: str) -> None:
    """Write a file whole or not at all, with the rights that the umask gives a new one."""
    number, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(number, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123  a descriptor, not a path
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        Path(draft).chmod(0o666 & ~mask)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


class _Parts:
    """The parts of the page, each made by one method."""

    def __init__(self, summary: Summary, words: Wording) -> None:
        self._summary = summary
        self._words = words
        self._say = words.say

    def header(self) -> Markup:
        """Return the title, the numbers that matter most, and how much came in."""
        summary = self._summary
        rate = summary.rates.bounce_rate
        tiles = (
            self._tile("fix", len(summary.fix) + summary.fix_omitted, alarm=bool(summary.fix)),
            self._tile("held", summary.waiting, alarm=bool(summary.waiting)),
            self._tile("suppressions", summary.suppressed),
            self._tile("unknowns", summary.unknowns.count),
            self._tile("rates", None if rate is None else f"{rate:.2%}"),
        )
        kinds = (tag("li", tag("b", f"{count:,}"), " ", self._say("kinds", kind)) for kind, count in summary.kinds.items() if count)
        return tag(
            "header",
            tag("h1", self._say("page", "title")),
            tag("p", self._words.span(summary), class_="when"),
            tag("ul", *tiles, class_="tiles"),
            tag("ul", *kinds, class_="kinds", aria_label=self._say("page", "kinds")),
        )

    def _tile(self, section: str, number: int | str | None, *, alarm: bool = False) -> Markup:
        if number is None:
            shown = tag("strong", self._say("page", "unknown_value"), class_="unknown")
        else:
            shown = tag("strong", f"{number:,}" if isinstance(number, int) else number)
        label = self._say("page", "bounce_rate") if section == "rates" else self._say("sections", section)
        return tag("li", tag("a", shown, tag("span", label), href=f"#{section}", class_="alarm" if alarm else None))

    def sections(self) -> Iterable[Markup]:
        """Yield the sections, in the order of the page."""
        yield self._fixes()
        yield self._held()
        yield self._suppressions()
        yield self._unknowns()
        yield from self._small()
        yield self._section("rates", "", *(tag("p", line) for line in self._words.rates(self._summary.rates)))
        yield self._charts()

    def _section(self, key: str, beside: str, *children: str | None) -> Markup:
        heading = tag("h2", self._say("sections", key), tag("span", beside, class_="count") if beside else None, id=f"{key}-title")
        return tag("section", heading, *children, id=key, aria_labelledby=f"{key}-title")

    def _fixes(self) -> Markup:
        fixes, omitted = self._summary.fix, self._summary.fix_omitted
        if not fixes:
            return self._section("fix", "", tag("p", self._say("notes", "fix_none"), class_="calm"))
        more = tag("p", self._say("page", "more", count=f"{omitted:,}"), class_="note") if omitted else None
        return self._section("fix", f"{len(fixes) + omitted:,}", *(self._fix(one) for one in fixes), more)

    def _fix(self, fix: Fix) -> Markup:
        say, rows = self._say, []
        if len(fix.providers) > 1 or fix.what not in PROVIDER_IN_HEAD:
            rows.append((say("labels", "said_by"), tag("bdi", ", ".join(fix.providers) or say("heads", "somebody"))))
        example = tag("code", tag("bdi", fix.example), class_="example") if fix.example else tag("span", say("labels", "no_example"), class_="quiet")
        rows.append((say("labels", "example"), example))
        if fix.link:
            rows.append((say("labels", "ask"), tag("a", fix.link.name, ": ", fix.link.url, href=fix.link.url, rel="noopener noreferrer")))
        if fix.url:
            rows.append((say("labels", "reply_link"), tag("code", tag("bdi", fix.url))))
        facts = tag("dl", *(join(tag("dt", name), tag("dd", value)) for name, value in rows))
        when, todo = tag("p", self._words.facts(fix), class_="when"), tag("p", say("todo", fix.what), class_="todo")
        return tag("article", tag("h3", tag("bdi", self._words.head(fix))), when, todo, facts, class_="fix")

    def _held(self) -> Markup:
        say, summary = self._say, self._summary
        if not summary.incidents and not summary.held:
            return self._section("held", "", tag("p", say("notes", "held_none")))
        rows = [(one.name, moment(one.since), moment(one.until) if one.until else say("notes", "open"), f"{one.held:,}") for one in summary.incidents]
        rows += [(one.because, moment(one.since), moment(one.until) if one.until else "", f"{one.count:,}") for one in summary.held]
        note = tag("p", say("notes", "held_how"), class_="note") if summary.waiting else None
        waiting = self._words.count("held", summary.waiting) if summary.waiting else ""
        return self._section("held", waiting, self._table("held", ("incident", "since", "until", "held"), rows, {"held"}), note)

    def _suppressions(self) -> Markup:
        found = self._summary.suppressions
        if not found:
            return self._section("suppressions", "", tag("p", self._say("notes", "suppressions_none")))
        rows = []
        for one in found:
            rules = [join(tag("code", f"{rule.pack}:{rule.rule}"), f" ({rule.count:,})") for rule in one.rules]
            texts = [tag("code", tag("bdi", rule.text)) for rule in one.rules if rule.text]
            beside = tag("span", self._words.beside(one), class_="quiet") if self._words.beside(one) else None
            rows.append((self._words.reason(one.reason), f"{one.count:,}", _lines([*rules, *([beside] if beside else [])]), _lines(texts)))
        count = self._words.count("suppressions", self._summary.suppressed)
        return self._section("suppressions", count, self._table("suppressions", ("reason", "count", "rule", "text"), rows, {"count"}))

    def _unknowns(self) -> Markup:
        say, unknowns = self._say, self._summary.unknowns
        texts = self._words.count("texts", unknowns.count)
        if not unknowns.count:
            return self._section("unknowns", "", tag("p", say("notes", "unknowns_none")))
        if unknowns.by is None:
            return self._section("unknowns", texts, tag("p", say("notes", "unknowns_hashed", count=texts)))
        rows = [
            (tag("code", tag("bdi", one.template)), f"{one.count:,}", ", ".join(one.codes), tag("code", tag("bdi", one.example)) if one.example else "")
            for one in unknowns.groups
        ]
        notes = [say("notes", "unknowns_how")]
        if unknowns.by == "wording":
            notes.insert(0, say("notes", "unknowns_wording"))
        if unknowns.read < unknowns.count:
            notes.insert(0, say("notes", "unknowns_read", count=texts, read=f"{unknowns.read:,}"))
        table = self._table("unknowns", ("template", "count", "codes", "example"), rows, {"count"})
        return self._section("unknowns", texts, table, *(tag("p", note, class_="note") for note in notes))

    def _small(self) -> Iterable[Markup]:
        """Yield backscatter, duplicates and quarantine."""
        say, count, stray, twice = self._say, self._words.count, self._summary.backscatter, self._summary.duplicates
        told = say("notes", "backscatter", none=count("reports", stray.none), plausible=count("reports", stray.plausible))
        domains = ", ".join(f"{one.name} ({one.count:,})" for one in stray.domains)
        claimed = tag("p", say("notes", "forged"), " ", tag("bdi", domains)) if domains else None
        yield self._section("backscatter", "", tag("p", told if stray.none or stray.plausible else say("notes", "backscatter_none")), claimed)
        again = say("notes", "duplicates", events=count("events", twice.events), reports=count("reports", twice.reports))
        yield self._section("duplicates", "", tag("p", again if twice.events else say("notes", "duplicates_none")))
        yield self._quarantine()

    def _quarantine(self) -> Markup:
        say, found = self._say, self._summary.quarantine
        if found is None:
            return self._section("quarantine", "", tag("p", say("notes", "quarantine_unknown")))
        rows = [
            (one.source, say("notes", "quarantine_unread") if one.count is None else f"{one.count:,}", moment(one.oldest) if one.oldest else "", one.why or "")
            for one in found
            if one.count != 0
        ]
        if not rows:
            return self._section("quarantine", "", tag("p", say("notes", "quarantine_none")))
        table = self._table("quarantine", ("source", "count", "oldest", "because"), rows, {"count"})
        return self._section("quarantine", self._words.count("inputs", sum(one.count or 0 for one in found)), table)

    def _charts(self) -> Markup:
        summary, words = self._summary, self._words
        if not any(summary.kinds.values()):
            return self._section("charts", "", tag("p", self._say("page", "none")))
        left = bars("reasons", summary.reasons, words.reason, words)
        right = bars("providers", summary.providers, str, words), bars("scopes", summary.scopes, words.scope, words)
        halves = tag("div", left, class_="half"), tag("div", *right, class_="half")
        return self._section("charts", "", tag("div", columns(summary.days, words), *halves, class_="charts"))

    def _table(self, section: str, keys: Sequence[str], rows: Iterable[Sequence[str]], numbers: set[str]) -> Markup:
        """Return a table that becomes a list on a narrow screen; the roles keep it a table for who listens."""
        titles = [self._say("labels", key) for key in keys]
        classes = [_NUMBER if key in numbers else None for key in keys]
        head = tag("tr", *(tag("th", title, scope="col", class_=kind, role="columnheader") for title, kind in zip(titles, classes, strict=True)), role="row")
        body = [_row(row, titles, classes) for row in rows]
        caption = tag("caption", self._say("sections", section), class_="unseen")
        return tag("table", caption, tag("thead", head, role="rowgroup"), tag("tbody", *body, role="rowgroup"), class_="stacked", role="table")


def _row(row: Sequence[str], titles: Sequence[str], classes: Sequence[str | None]) -> Markup:
    """Return a row; its cells carry their titles, which a narrow screen shows."""
    first = tag("th", tag("bdi", row[0]), scope="row", role="rowheader")
    rest = zip(titles[1:], classes[1:], row[1:], strict=True)
    cells = (tag("td", tag("bdi", cell), class_=kind, role="cell", data_label=title if cell else None) for title, kind, cell in rest)
    return tag("tr", first, *cells, role="row")


def _lines(pieces: Sequence[Markup]) -> Markup:
    """Return pieces one below the other."""
    return pieces[0] if len(pieces) == 1 else join(*(tag("span", piece, class_="line") for piece in pieces))
