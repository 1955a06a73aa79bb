"""Charts as inline SVG that grow with the page, each with its figures as a table: a text alternative, and no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.summary.charts import OTHER
from bounceclass.summary.markup import Markup, join, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bounceclass.summary.contents import Bar, Day
    from bounceclass.summary.wording import Wording

__all__ = ["bars", "columns"]

_PLACES: Final = ("bounces", "delays", "complaints", "other")
_HEIGHT: Final = 100
_WIDTH: Final = 10
_GAP: Final = 2
_LABELS: Final = 5


def columns(days: Sequence[Day], words: Wording) -> Markup:
    """Return stacked columns, one for each day; axis and legend are text beside the drawing, so that they stay readable when it shrinks."""
    totals = [sum(getattr(day, place) for place in _PLACES) for day in days]
    most = _round_up(max(totals))
    used = [place for place in _PLACES if any(getattr(day, place) for day in days)]
    peak = max(range(len(days)), key=totals.__getitem__)
    told = words.say("charts", "days_text", since=days[0].day, until=days[-1].day, most=f"{totals[peak]:,}", day=days[peak].day)
    drawing = tag(
        "svg",
        *(tag("line", x1=0, x2=len(days) * _WIDTH, y1=y, y2=y, class_="grid") for y in (0, _HEIGHT // 2, _HEIGHT)),
        *(_column(day, number, most, used, words) for number, day in enumerate(days)),
        viewBox=f"0 0 {len(days) * _WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=told,
    )
    legend = tag("ul", *(tag("li", tag("span", class_=f"key {place}", aria_hidden="true"), words.say("day", place)) for place in used), class_="legend")
    scale = tag("div", tag("span", f"{most:,}"), tag("span", f"{most // 2:,}" if most > 1 else ""), tag("span", "0"), class_="scale", aria_hidden="true")
    step = max(1, -(-len(days) // _LABELS))
    marks = (tag("span", f"{day.day:%m-%d}" if number % step == 0 else None) for number, day in enumerate(days))
    axis = tag("div", *marks, class_="axis", aria_hidden="true")
    plot = tag("div", scale, tag("div", drawing, axis, class_="drawing"), class_="plot")
    return tag("figure", tag("figcaption", tag("h3", words.say("charts", "days"))), legend, plot, _days_table(days, used, words))


def _column(day: Day, number: int, most: int, used: Sequence[str], words: Wording) -> Markup:
    parts, height = [], 0.0
    for place in used:
        count = getattr(day, place)
        if count:
            part = count / most * _HEIGHT
            height += part
            x, y = number * _WIDTH + _GAP / 2, f"{_HEIGHT - height:.2f}"
            parts.append(tag("rect", x=x, y=y, width=_WIDTH - _GAP, height=f"{part:.2f}", class_=place))
    said = ", ".join(f"{words.say('day', place)} {getattr(day, place):,}" for place in used)
    return tag("g", tag("title", f"{day.day}: {said}"), *parts)


def _days_table(days: Sequence[Day], used: Sequence[str], words: Wording) -> Markup:
    head = tag("tr", *(tag("th", words.say("day", key), scope="col") for key in ("day", *used)))
    rows = (tag("tr", tag("th", f"{day.day}", scope="row"), *(tag("td", f"{getattr(day, place):,}", class_="number") for place in used)) for day in days)
    caption = tag("caption", words.say("charts", "days"), class_="unseen")
    table = tag("table", caption, tag("thead", head), tag("tbody", *rows))
    return tag("details", tag("summary", words.say("page", "figures")), table)


def bars(key: str, found: Sequence[Bar], name: Callable[[str], str], words: Wording) -> Markup:
    """Return a table of names, bars and numbers: the drawing is decoration, the number is said. The rest has no bar, for it is no rival."""
    if not found:
        return join()
    total = sum(one.count for one in found)
    most = max((one.count for one in found if one.name != OTHER), default=1)
    rows = []
    for one in found:
        rest = one.name == OTHER
        said = words.say("charts", "other") if rest else name(one.name)
        drawn = tag("td", None if rest else _bar(one.count / most), class_="bar")
        numbers = tag("td", f"{one.count:,}", class_="number"), tag("td", f"{one.count / total:.1%}", class_="number share")
        rows.append(tag("tr", tag("th", tag("bdi", said), scope="row"), drawn, *numbers))
    titles = (tag("th", words.say("page", one), scope="col") for one in ("number", "share"))
    head = tag("thead", tag("tr", tag("th", words.say("charts", key), scope="col"), tag("td"), *titles), class_="unseen")
    return tag("table", tag("caption", tag("h3", words.say("charts", key))), head, tag("tbody", *rows), class_="bars")


def _bar(share: float) -> Markup:
    drawn = tag("rect", width=f"{max(share * 100, 0.5):.1f}", height=10, class_="bounces")
    return tag("svg", drawn, viewBox="0 0 100 10", preserveAspectRatio="none", aria_hidden="true")


def _round_up(most: int) -> int:
    """Return the next number that has one or two digits that matter, at least 1."""
    if most <= 2:  # noqa: PLR2004  a scale of whole numbers
        return max(1, most)
    step: int = 10 ** (len(str(most)) - 1)
    return next(part * step for part in (1, 2, 4, 6, 8, 10) if part * step >= most)
