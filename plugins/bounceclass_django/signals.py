"""What we tell the project."""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

__all__ = ["decided"]

decided: Final = Signal()
"""Sent after the commit, with `event` (bounceclass.model.Event), `decision` (Decision), `report` and `esp_name`; `sender` is the receiver."""
