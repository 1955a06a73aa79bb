"""KumoMTA's bounce classifier: TOML files of labels, each with its regular expressions.

    [rules]
    InvalidRecipient = ['(?i)no such user']

Source: docs/reference/kumo/configure_bounce_classifier.md and crates/bounce-classify/src/lib.rs. The
engine is Rust's `regex`, which doesn't look around; the first expression that matches wins, in the
order of the files and within a file of its labels. A label stands once in a file, so rules that
must be asked in between make another file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bounceclass.export.conditions import guard
from bounceclass.export.patterns import Dialect
from bounceclass.export.rows import Export, Row, Target, head, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bounceclass.packs import Pack

__all__ = ["TARGET", "export", "usage"]

_WIDEST: Final = 4
"""Rust's `regex` unrolls a bounded repeat, and KumoMTA allows all rules together 10 MB."""
TARGET: Final = Target("kumomta", Dialect(blank=" +", lookaround=False, widest=_WIDEST, ascii=True), "Uncategorized")

_ABOUT: Final = (
    "Load all of these files, in the order of their names, before KumoMTA's own (iana.toml).",
    "Versions that sort the labels (before OrderMap in crates/bounce-classify) don't keep the order.",
)
_Line = tuple[str, str, str]
"""A label, an expression, and the rule that it comes from."""


def export(packs: Sequence[Pack]) -> Export:
    """Return packs as classifier files."""
    kept, left = rows(packs, TARGET)
    files = {}
    for number, tables in enumerate(_files(_lines(kept)), start=1):
        comments = list(head(TARGET, kept, left, _ABOUT)) if number == 1 else ["# Continued: see the file before."]
        files[f"bounceclass-{number:03}.toml"] = "\n".join([*comments, "", "[rules]", *_written(tables), ""])
    return Export(files, kept, left)


def usage(paths: Sequence[str]) -> str:
    """Return the lines of Lua that load the files."""
    return "kumo.configure_bounce_classifier {\n  files = {\n" + "".join(f"    {_lua(path)},\n" for path in paths) + "  },\n}\n"


def _lua(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _lines(kept: Sequence[Row]) -> Iterator[_Line]:
    """Yield each rule, behind what it refuses; a guard once, before the first rule that names it."""
    guarded = set()
    for row in kept:
        for name in row.rule.guards:
            words = guard(row.pack, name, TARGET.dialect)
            if words not in guarded:
                guarded.add(words)
                yield TARGET.nothing, words, f"{row.name.partition(':')[0]}: guard {name}"
        if row.expression.shield is not None:
            yield TARGET.nothing, row.expression.shield, f"{row.name}, what it refuses"
        yield row.label, row.expression.pattern, row.name


def _files(lines: Iterator[_Line]) -> Iterator[dict[str, list[_Line]]]:
    """Fill files in order: a line whose label stands before the last one of a file begins the next."""
    tables: dict[str, list[_Line]] = {}
    for line in lines:
        label = line[0]
        if label in tables and label != next(reversed(tables)):
            yield tables
            tables = {}
        tables.setdefault(label, []).append(line)
    yield tables


def _written(tables: dict[str, list[_Line]]) -> Iterator[str]:
    for label, lines in tables.items():
        yield f"{label} = ["
        for _, pattern, name in lines:
            yield f"  # {' '.join(name.split())}"
            yield f"  {_quoted('(?i-u)' + pattern)},"
        yield "]"


def _quoted(text: str) -> str:
    """Quote an expression, if it can be so that its backslashes stay as they are."""
    if "'" not in text:
        return f"'{text}'"
    if "'''" not in text and not text.endswith("'"):
        return f"'''{text}'''"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
