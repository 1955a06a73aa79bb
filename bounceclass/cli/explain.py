"""`bounceclass explain`: what codes mean, when you see them, how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import msgspec

from bounceclass import explain
from bounceclass.cli.output import json_array, write

if TYPE_CHECKING:
    from bounceclass.cli.prose import Page
    from bounceclass.explain import Explanation

__all__ = ["command", "language_option"]

language_option = click.option("--lang", metavar="LANG", help="en or ko; else the locale's (LC_MESSAGES), else English.")
format_option = click.option("--format", "form", type=click.Choice(("table", "json")), default="table", show_default=True, help="Prose for people, or data.")


@click.command()
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
@language_option
@format_option
def command(codes: tuple[str, ...], lang: str | None, form: str) -> None:
    """Explain SMTP codes: 521, 5.1.1, or both together, 550 5.1.1."""
    language = explain.pick_language(lang)
    explained = [explain.explain(code, language) for code in explain.read_codes(codes)]
    if form == "json":
        for piece in json_array(msgspec.json.encode(one) for one in explained):
            write(piece)
        return
    from bounceclass.cli.prose import Page  # noqa: PLC0415  rich, only for people

    page = Page()
    for place, one in enumerate(explained):
        if place:
            page.console.rule(style="dim")
        show(page, one, language)


def show(page: Page, one: Explanation, language: str) -> None:
    """Print one explanation."""
    words = explain.words(language)
    sections = words["sections"]
    page.title(f"{one.code}  {one.name}", facts_line(one, language))
    if one.summary:
        page.paragraph(one.summary)
    for key in explain.SECTIONS:
        if key == "address":
            show_look_alikes(page, one, language)
        text = getattr(one, key)
        if text:
            page.paragraph(text, sections[key])
        if key == "seen_when" and one.line:
            page.wire(one.line)
    if one.related:
        page.paragraph(" · ".join(f"{code} ({name})" for code, name in one.related), sections["related"])
    if one.source:
        page.paragraph(", ".join(one.source), sections["source"])


def show_look_alikes(page: Page, one: Explanation, language: str, before: str = "") -> None:
    """Print the lines that carry a code and mean something else, if there are any; `before` heads the title."""
    if not one.look_alikes:
        return
    words = explain.words(language)
    page.heading(before + words["sections"]["look_alikes"])
    page.table(tuple(words["columns"].values()), [(f"`{row.line}`", row.really, row.address) for row in one.look_alikes])


def facts_line(one: Explanation, language: str) -> str:
    """Return what stands beside the title: permanence, scope, what to do by default."""
    words = explain.words(language)
    facts = [words["permanence"][one.permanence]]
    if one.scope != "none":
        facts.append(f"{words['labels']['scope']}: {words['scope'][one.scope]}")
    facts.append(f"{words['labels']['default']}: {words['advice'][one.advice]}")
    return " · ".join(facts)
