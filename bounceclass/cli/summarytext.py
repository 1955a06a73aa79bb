"""The summary on the screen, by rich: as wide as the terminal, what others wrote spelt out where it would steer it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.text import Text

from bounceclass.cli.prose import Page
from bounceclass.cli.terminal import printable
from bounceclass.summary.charts import OTHER
from bounceclass.summary.wording import PROVIDER_IN_HEAD, moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bounceclass.summary.contents import Bar, Day, Fix, Summary
    from bounceclass.summary.wording import Wording

__all__ = ["show"]

_BAR: Final = 24
_BESIDE: Final = 30
"""Cells that a bar leaves for its name and number."""
_MOST_LINES: Final = 31
"""Of days; where there are more, a line is of several."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


def show(summary: Summary, words: Wording) -> None:
    """Print the whole, in the order of the page."""
    screen = _Screen(summary, words)
    for part in (screen.head, screen.fix, screen.held, screen.suppressions, screen.unknowns, screen.small, screen.rates, screen.charts):
        part()


class _Screen:
    """The parts of the page, each printed by one method."""

    def __init__(self, summary: Summary, words: Wording) -> None:
        self._summary = summary
        self._words = words
        self._page = Page()

    def head(self) -> None:
        """Print the title, and how much came in."""
        self._page.title(self._words.say("page", "title"), self._words.span(self._summary))
        kinds = (f"{self._words.say('kinds', kind)} {count:,}" for kind, count in self._summary.kinds.items() if count)
        self._say(" · ".join(kinds) or self._words.say("page", "none"))

    def fix(self) -> None:
        """Print what the sender must fix."""
        fixes = self._summary.fix
        self._heading("fix", f"{len(fixes) + self._summary.fix_omitted:,}" if fixes else "")
        if not fixes:
            self._say(self._words.say("notes", "fix_none"), "green")
        for number, one in enumerate(fixes, 1):
            self._fix(number, one)
        if self._summary.fix_omitted:
            self._say(self._words.say("page", "more", count=f"{self._summary.fix_omitted:,}"), "dim")

    def _fix(self, number: int, fix: Fix) -> None:
        label = self._words.say
        self._page.console.print()
        self._say(f"{number}. {self._words.head(fix)}", "bold red")
        self._say(self._words.facts(fix), indent=3)
        if len(fix.providers) > 1 or fix.what not in PROVIDER_IN_HEAD:
            self._said(label("labels", "said_by"), ", ".join(fix.providers) or label("heads", "somebody"))
        self._said(label("labels", "example"), fix.example or label("labels", "no_example"), "cyan" if fix.example else "dim")
        self._say(label("todo", fix.what), indent=3)
        if fix.link:
            self._said(label("labels", "ask"), f"{fix.link.url} ({fix.link.name})")
        if fix.url:
            self._said(label("labels", "reply_link"), fix.url)

    def held(self) -> None:
        """Print what waits, by incident and without one."""
        say, summary = self._words.say, self._summary
        self._heading("held", self._words.count("held", summary.waiting) if summary.waiting else "")
        if not summary.incidents and not summary.held:
            self._say(say("notes", "held_none"))
            return
        rows = [(one.name, moment(one.since), moment(one.until) if one.until else say("notes", "open"), f"{one.held:,}") for one in summary.incidents]
        rows += [(one.because, moment(one.since), moment(one.until) if one.until else "", f"{one.count:,}") for one in summary.held]
        self._table([say("labels", key) for key in ("incident", "since", "until", "held")], rows)
        if summary.waiting:
            self._say(say("notes", "held_how"), "dim")

    def suppressions(self) -> None:
        """Print the new entries by reason, with the rules that made them."""
        say, found = self._words.say, self._summary.suppressions
        self._heading("suppressions", self._words.count("suppressions", self._summary.suppressed) if found else "")
        if not found:
            self._say(say("notes", "suppressions_none"))
            return
        rows = []
        for one in found:
            rows.append((self._words.reason(one.reason), f"{one.count:,}", self._words.beside(one), ""))
            rows += [("", f"{rule.count:,}", f"{rule.pack}:{rule.rule}", rule.text or "") for rule in one.rules]
        self._table([say("labels", key) for key in ("reason", "count", "rule", "text")], rows)

    def unknowns(self) -> None:
        """Print what no rule knows, by template."""
        say, unknowns = self._words.say, self._summary.unknowns
        texts = self._words.count("texts", unknowns.count)
        self._heading("unknowns", texts if unknowns.count else "")
        if not unknowns.count:
            self._say(say("notes", "unknowns_none"))
            return
        if unknowns.by is None:
            self._say(say("notes", "unknowns_hashed", count=texts))
            return
        rows = [(one.template, f"{one.count:,}", ", ".join(one.codes)) for one in unknowns.groups]
        self._table([say("labels", key) for key in ("template", "count", "codes")], rows)
        if unknowns.read < unknowns.count:
            self._say(say("notes", "unknowns_read", count=texts, read=f"{unknowns.read:,}"), "dim")
        if unknowns.by == "wording":
            self._say(say("notes", "unknowns_wording"), "dim")
        self._say(say("notes", "unknowns_how"), "dim")

    def small(self) -> None:
        """Print backscatter, duplicates and quarantine."""
        say, summary, count = self._words.say, self._summary, self._words.count
        stray, twice = summary.backscatter, summary.duplicates
        self._heading("backscatter")
        if stray.none or stray.plausible:
            self._say(say("notes", "backscatter", none=count("reports", stray.none), plausible=count("reports", stray.plausible)))
            if stray.domains:
                self._say(f"{say('notes', 'forged')} " + ", ".join(f"{one.name} ({one.count:,})" for one in stray.domains))
        else:
            self._say(say("notes", "backscatter_none"))
        self._heading("duplicates")
        told = say("notes", "duplicates", events=count("events", twice.events), reports=count("reports", twice.reports))
        self._say(told if twice.events else say("notes", "duplicates_none"))
        self._heading("quarantine")
        self._quarantine()

    def _quarantine(self) -> None:
        say, found = self._words.say, self._summary.quarantine
        if found is None:
            self._say(say("notes", "quarantine_unknown"))
            return
        rows = [
            (one.source, say("notes", "quarantine_unread") if one.count is None else f"{one.count:,}", moment(one.oldest) if one.oldest else "", one.why or "")
            for one in found
            if one.count != 0
        ]
        if not rows:
            self._say(say("notes", "quarantine_none"))
            return
        self._table([say("labels", key) for key in ("source", "count", "oldest", "because")], rows)

    def rates(self) -> None:
        """Print the rates, or that they aren't known."""
        self._heading("rates")
        for line in self._words.rates(self._summary.rates):
            self._say(line)

    def charts(self) -> None:
        """Print bars by day, reason, provider and scope."""
        summary, say = self._summary, self._words.say
        self._bars(say("charts", "days"), list(_spans(summary.days)))
        self._bars(say("charts", "reasons"), self._named(summary.reasons, self._words.reason))
        self._bars(say("charts", "providers"), self._named(summary.providers, str))
        self._bars(say("charts", "scopes"), self._named(summary.scopes, self._words.scope))

    def _named(self, bars: Iterable[Bar], name: Callable[[str], str]) -> list[tuple[str, int]]:
        return [(self._words.say("charts", "other") if one.name == OTHER else name(one.name), one.count) for one in bars]

    def _bars(self, title: str, rows: Sequence[tuple[str, int]]) -> None:
        rest = self._words.say("charts", "other")  # the rest is no rival of those that have a name
        most = max((number for name, number in rows if name != rest), default=0)
        if not any(number for _, number in rows):
            return
        cells = max(4, min(_BAR, self._page.width - _BESIDE))
        self._page.heading(title)
        self._table(("", "", ""), [(name, f"{number:>9,}", "" if name == rest else bar(number, most, cells)) for name, number in rows])

    def _heading(self, section: str, beside: str = "") -> None:
        self._page.heading(self._words.say("sections", section) + (f": {beside}" if beside else ""))

    def _said(self, label: str, text: str, style: str = "") -> None:
        line = Text(f"{label}: ", "dim")
        line.append(printable(text), style)
        self._page.console.print(Padding(line, (0, 0, 0, 3), expand=False))

    def _say(self, text: str, style: str = "", *, indent: int = 0) -> None:
        self._page.console.print(Padding(Text(printable(text), style), (0, 0, 0, indent), expand=False))

    def _table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._page.grid(head, [[printable(cell) for cell in row] for row in rows])


def _spans(days: Sequence[Day]) -> Iterator[tuple[str, int]]:
    """Yield the days, or several as one where they are many, each with how many events."""
    step = -(-len(days) // _MOST_LINES)
    for start in range(0, len(days), step):
        some = days[start : start + step]
        name = f"{some[0].day}" if len(some) == 1 else f"{some[0].day}…"
        yield name, sum(one.bounces + one.delays + one.complaints + one.other for one in some)


def bar(number: int, most: int, cells: int = _BAR) -> str:
    """Return a bar of blocks, in eighths of a cell; what is there at all is seen."""
    eighths = max(1 if number else 0, round(number / most * cells * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
