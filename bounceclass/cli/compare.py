"""`bounceclass compare`: codes side by side, what differs, which to use when."""

from __future__ import annotations

import click
import msgspec

from bounceclass import explain
from bounceclass.cli.explain import format_option, language_option, show_look_alikes
from bounceclass.cli.output import write
from bounceclass.codes import parse
from bounceclass.errors import CodeError

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
            text = getattr(one, key)
            if text:
                page.paragraph(text, f"{one.code}: {sections[key]}")
        if one.line:
            page.wire(one.line)
        show_look_alikes(page, one, language, f"{one.code}: ")
    if compared.differences:
        page.heading(sections["differences"])
        for number, (title, text) in enumerate(compared.differences, 1):
            page.console.print(page.rich(f"{number}. {title}. {text}"))
    if compared.which_when:
        page.heading(sections["which_when"])
        for situation, answer in compared.which_when:
            page.console.print(page.rich(f"- {situation}: {answer}"))
    else:
        for one in compared.explanations:
            if one.server_use:
                page.paragraph(one.server_use, f"{one.code}: {sections['server_use']}")
    for key in ("timeline", "address"):
        text = getattr(compared, key)
        if text:
            page.heading(sections[key])
            page.console.print(page.rich(text))
    if not compared.address:
        for one in compared.explanations:
            if one.address:
                page.paragraph(one.address, f"{one.code}: {sections['address']}")
    page.paragraph(", ".join(f"`explain {one.code}`" for one in compared.explanations), sections["see_also"])
