"""The dialects of notices without a standard, one module a family of software, each with a tuple NOTICES."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bounceclass.notice import Notice

__all__ = ["FAMILIES", "notices"]

FAMILIES: Final = ("groupware", "webmail", "gateways", "suites", "servers", "carriers", "unix")
"""The wording of Unix mail servers is in others' notices too, so it comes last."""


def notices() -> tuple[Notice, ...]:
    """Return every row, in the order in which they are tried."""
    return tuple(row for family in FAMILIES for row in import_module(f"{__name__}.{family}").NOTICES)
