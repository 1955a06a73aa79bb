"""Webmail providers and ESPs."""

from __future__ import annotations

from typing import Final

from bounceclass.notice import Notice

__all__ = ["NOTICES"]

NOTICES: Final[tuple[Notice, ...]] = ()
