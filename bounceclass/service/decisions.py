"""A line of the log for each decision: those that change something for somebody at `info`, the others at `debug`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from bounceclass.model import Action
from bounceclass.observation import Batch

if TYPE_CHECKING:
    from bounceclass.bookkeeping import Entered
    from bounceclass.observation import Observation

__all__ = ["log_decisions"]

LOG: Final = logging.getLogger("bounceclass")
_CHANGING: Final = frozenset({Action.SUPPRESS, Action.RELEASE, Action.HOLD})


def log_decisions(observation: Observation) -> None:
    """Log what a batch came to, once it is committed."""
    if isinstance(observation, Batch):
        for entered in observation.entered:
            _log(entered)


def _log(entered: Entered) -> None:
    decision, event, entry = entered.decision, entered.case.event, entered.decision.suppression
    level = logging.INFO if decision.action in _CHANGING else logging.DEBUG
    if not LOG.isEnabledFor(level):
        return
    fields = {
        "decision": decision.action.value,
        "recipient": entry.address if entry else entered.case.recipient or event.recipient,
        "domain": entry.domain if entry else None,
        "kind": event.kind.value,
        "reason": event.verdict.reason.value,
        "incident": entered.incident,
        "event": entered.case.key,
        "source": entered.report.source,
    }
    LOG.log(level, "%s: %s", decision.action, decision.because, extra=fields)
