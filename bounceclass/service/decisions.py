"""What a run did, in its log: a line a batch at `info`, and at `debug` one for each decision, of which there may be thousands a second."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Final

from bounceclass.model import Action
from bounceclass.observation import Batch

if TYPE_CHECKING:
    from bounceclass.bookkeeping import Entered
    from bounceclass.observation import Observation

__all__ = ["log_decisions"]

LOG: Final = logging.getLogger("bounceclass")


def log_decisions(observation: Observation) -> None:
    """Log what a batch came to, once it is committed."""
    if not isinstance(observation, Batch):
        return
    if LOG.isEnabledFor(logging.DEBUG):
        for entered in observation.entered:
            _log(entered)
    counts = Counter(entered.decision.action for entered in observation.entered)
    said = ", ".join(f"{counts[action]} {action}" for action in Action if counts[action])
    fields = {"source": observation.place, "inputs": observation.inputs, "seconds": round(observation.seconds, 3)}
    LOG.info("%s: %d processed%s", observation.place, observation.inputs, f": {said}" if said else "", extra=fields)


def _log(entered: Entered) -> None:
    decision, event, entry = entered.decision, entered.case.event, entered.decision.suppression
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
    LOG.debug("%s: %s", decision.action, decision.because, extra=fields)
