"""Groupware and mail servers of offices: Exchange, Domino, GroupWise and their like."""

from __future__ import annotations

from typing import Final

from bounceclass.notice import Notice

__all__ = ["NOTICES"]

NOTICES: Final[tuple[Notice, ...]] = ()
