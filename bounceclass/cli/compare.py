"""`bounceclass compare`: codes side by side, what differs, which to use when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from bounceclass import explain
from bounceclass.cli.explain import format_option, language_option, show_look_alikes
from bounceclass.cli.output import write
from bounceclass.codes import parse
from bounceclass.errors import CodeError

if TYPE_CHECKING:
    from bounceclass.cli.prose import Page

__all__ = ["command"]

_MOST = 3


@click.command()
@click.argument("codes", nargs=-1, required=True, metavar="A B [C]")
@language_option
@format_option
def command(codes: tuple[str, ...], lang: str | None, form: str) -> None:
    """Compare two or three SMTP codes: 250 521, 5.1.1 5.1.10."""
    language = explain.pick_language(lang)
    asked = [parse(code) for code in codes]
    if not 2 <= len(asked) <= _MOST:  # noqa: PLR2004  a comparison
        msg = f'compare wants two or three codes, not {len(asked)}; a code in two parts is quoted: "550 5.1.1"'
        raise CodeError(msg)
    compared = explain.compare(asked, language)
    if form == "json":
        write(msgspec.json.format(msgspec.json.encode(compared), indent=2) + b"\n")
        return
    _show(compared, language)


def _show(compared: explain.Comparison, language: str) -> None:
    from bounceclass.cli.prose import Page  # noqa: PLC0415  rich, only for people

    words = explain.words(language)
    sections, rows = words["sections"], words["rows"]
    page = Page()
    page.title(" / ".join(compared.codes), "")
    page.paragraph(compared.summary or " ".join(f"{one.code}: {one.summary or one.meaning}" for one in compared.explanations))
    nothing = words["labels"]["nothing"]
    page.table(("", *compared.codes), [(rows[key], *(cell or nothing for cell in cells)) for key, cells in compared.table])
    for one in compared.explanations:
        for key in ("meaning", "seen_when"):
            if text := getattr(one, key):
                page.paragraph(text, f"{one.code}: {sections[key]}")
        if one.line:
            page.wire(one.line)
        show_look_alikes(page, one, language, f"{one.code}: ")
    _list(page, sections["differences"], [f"{number}. {title}. {text}" for number, (title, text) in enumerate(compared.differences, 1)])
    _list(page, sections["which_when"], [f"- {situation}: {answer}" for situation, answer in compared.which_when])
    _list(page, sections["timeline"], [compared.timeline] if compared.timeline else [])
    _list(page, sections["address"], [compared.address] if compared.address else [])
    if not compared.differences:  # nothing was written by hand: each code's own
        for key in ("server_use", "address"):
            _each(page, compared, key, sections[key])
    page.paragraph(", ".join(f"`explain {one.code}`" for one in compared.explanations), sections["see_also"])


def _list(page: Page, title: str, lines: list[str]) -> None:
    if lines:
        page.heading(title)
        for line in lines:
            page.console.print(page.rich(line))


def _each(page: Page, compared: explain.Comparison, key: str, title: str) -> None:
    for one in compared.explanations:
        if text := getattr(one, key):
            page.paragraph(text, f"{one.code}: {title}")
