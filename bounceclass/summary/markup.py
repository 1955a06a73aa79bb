"""HTML by construction: what is not made here is text, and text is always escaped; what would steer it is spelt out."""

from __future__ import annotations

from html import escape
from typing import Final

from bounceclass.controls import printable

__all__ = ["Markup", "join", "tag"]

_EMPTY: Final = frozenset({"meta", "rect", "line"})


class Markup(str):
    """A string that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | float | None) -> Markup:
    """Return an element. `class_` loses its underscore, others become hyphens; what is None is left out."""
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{given}/>" if name in _EMPTY else f"<{name}{given}>{join(*children)}</{name}>")


def join(*children: str | None) -> Markup:
    """Return pieces side by side: markup as it is, text escaped, None left out."""
    return Markup("".join(child if isinstance(child, Markup) else escape(printable(child)) for child in children if child is not None))


def _attribute(key: str, value: object) -> str:
    return f' {key.rstrip("_").replace("_", "-")}="{escape(printable(str(value)))}"'
