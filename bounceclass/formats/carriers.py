"""Mobile carriers and providers of East Asia."""

from __future__ import annotations

from typing import Final

from bounceclass.notice import Notice

__all__ = ["NOTICES"]

NOTICES: Final[tuple[Notice, ...]] = ()
