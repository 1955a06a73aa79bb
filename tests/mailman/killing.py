"""Runs within Mailman: bounce runners, ours and its own, that end themselves once, at the checkpoint that KILL_AT names."""

from __future__ import annotations

import os
import signal
from typing import Any

from bounceclass_mailman.runner import Bounces
from mailman.interfaces.runner import RunnerInterrupt
from mailman.runners.bounce import BounceRunner

__all__ = ["Ours", "Stock"]


def reached(checkpoint: str) -> None:
    """End this process, if it is to end here."""
    if os.environ.get("KILL_AT") == checkpoint:
        os.kill(os.getpid(), signal.SIGKILL)


class _Checkpoints:
    switchboard: Any

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        finish = self.switchboard.finish

        def finished(*files: Any, **how: Any) -> None:
            reached("before the file goes")
            finish(*files, **how)
            reached("after the file went")

        self.switchboard.finish = finished

    def _dispose(self, *given: Any) -> bool:
        done: bool = super()._dispose(*given)  # type: ignore[misc]  # of the runner behind
        reached("before the commit")
        if os.environ.get("KILL_AT") == "told to stop":
            self.stop()  # type: ignore[attr-defined]  # as above
            raise RunnerInterrupt
        return done


class Ours(_Checkpoints, Bounces):
    """Ours."""


class Stock(_Checkpoints, BounceRunner):  # type: ignore[misc]  # Mailman has no types
    """Mailman's own."""
