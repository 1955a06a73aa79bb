"""A receiver of django-anymail's `tracking` signal: read, decide, keep; then tell the hooks and the project."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction
from django.utils import timezone

from bounceclass.case import Case
from bounceclass.eventkey import event_key, mailing_of
from bounceclass.model import Action, Kind
from bounceclass.trust import Standing
from bounceclass.wrapping import is_address
from bounceclass_django import ledger
from bounceclass_django.models import LONGEST
from bounceclass_django.parts import grade_of, parts
from bounceclass_django.reading import read
from bounceclass_django.signals import decided

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.model import Decision, Report

__all__ = ["on_tracking"]

LOG: Final = logging.getLogger("bounceclass")
_HOOKS: Final = {Action.SUPPRESS: "suppress", Action.RELEASE: "release"}


def on_tracking(sender: object, event: Any, esp_name: str, **_: object) -> None:  # noqa: ANN401, ARG001  as anymail calls
    """Take one tracking event. What it raises anymail answers with an error, and the ESP posts it again."""
    report = read(event, esp_name, parts().engine)
    if report is None:
        return
    now = timezone.now()
    with transaction.atomic():
        case = _case(report, event, esp_name, now)
        decisions = _enter(case, now)
        # A hook that hangs, or a project's own receiver, must not hold the rows; what is not committed is not told.
        transaction.on_commit(partial(_tell, report, case, decisions, esp_name))


def _case(report: Report, event: Any, esp_name: str, now: datetime) -> Case:  # noqa: ANN401  as above
    (one,) = report.events
    grade, because = grade_of(esp_name)
    recipient = one.recipient if one.recipient and len(one.recipient) <= LONGEST and is_address(one.recipient) else None
    stream = next((str(tag) for tag in event.tags or ()), None)
    standing = Standing(grade=grade, recipient=recipient, stream=stream, account=esp_name, because=because)
    at = min(event.timestamp or now, now)
    key = event_key(report, one, recipient)
    case = Case(event=one, standing=standing, key=key, mailing=mailing_of(report), received_at=at)
    return ledger.with_history(case, now)


def _enter(case: Case, now: datetime) -> list[Decision]:
    """Keep what an event says, and what follows from it."""
    policy = parts().policy
    failure = policy.failure_of(case, now)
    if failure is not None and case.recipient is not None:
        ledger.record_failure(case.recipient, failure[0])
    if case.event.kind is Kind.DELIVERY:
        if policy.is_delivery(case, now) and ledger.record_delivery(case):
            case = ledger.with_history(case, now)
        decisions = list(policy.healed(case.history, now))
    else:
        decisions = [policy.decide(case, now)]
    for decision in decisions:
        ledger.carry_out(decision)
    return decisions


def _tell(report: Report, case: Case, decisions: list[Decision], esp_name: str) -> None:
    engine = parts().engine
    failures = engine.dispatch(report)
    for decision in decisions:
        LOG.info("%s: %s: %s", esp_name, decision.action, decision.because)
        hook = _HOOKS.get(decision.action)
        if hook is not None and decision.suppression is not None:
            failures += engine.plugins.tell(hook, suppression=decision.suppression, key=case.key)
        decided.send_robust(on_tracking, event=case.event, decision=decision, report=report, esp_name=esp_name)
    for failure in failures:
        LOG.error("plugin %s: %s: %s", failure.plugin, failure.hook, failure.fault)
