"""What commands that go on for long have in common: their log, and how they end."""

from __future__ import annotations

import secrets
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from bounceclass.config import Configuration

__all__ = ["log_as_configured", "stop_on_signals"]


def log_as_configured(configuration: Configuration) -> None:
    """Log to standard error, as the configuration says."""
    from bounceclass.service.concealment import concealment_for  # noqa: PLC0415  needs the store's naming
    from bounceclass.service.log import log_to  # noqa: PLC0415  as above

    log_to(sys.stderr, configuration.log, concealment_for(configuration, (), secrets.token_bytes(32)))


def stop_on_signals(end: Callable[[], None]) -> list[int]:
    """Let the first SIGTERM or SIGINT end the work after what is in hand; return where they are noted."""
    caught: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        caught.append(number)
        end()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return caught
