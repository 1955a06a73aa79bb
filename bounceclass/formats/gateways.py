"""Gateways and filters that write notices of their own."""

from __future__ import annotations

from typing import Final

from bounceclass.notice import Notice

__all__ = ["NOTICES"]

NOTICES: Final[tuple[Notice, ...]] = ()
