"""The same bounces before Mailman's own runner and before ours: whom each of them disables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mailman.bounces import bounces
from tests.mailman.host import OURS, STOCK

if TYPE_CHECKING:
    from tests.mailman.conftest import Site

# How a member stands on the list garden after two days of such bounces, whose threshold is 2: (of ours, of Mailman's own runner).
DISABLED, ONE, KEPT = ("by_bounces", 0), ("enabled", 1), ("enabled", 0)
AFTER = {
    "unknown": (DISABLED, DISABLED),
    "unknown-plainly": (DISABLED, DISABLED),
    "notice": (DISABLED, KEPT),
    "full": (KEPT, DISABLED),
    "blocked": (KEPT, DISABLED),
    "spam": (KEPT, DISABLED),
    "dmarc": (KEPT, DISABLED),
    "slow": (KEPT, KEPT),
    "forged": (KEPT, DISABLED),
    "named": (KEPT, KEPT),
    "backscatter": (KEPT, DISABLED),
}


@pytest.mark.parametrize(("runner", "place"), [(OURS, 0), (STOCK, 1)], ids=["ours", "stock"])
def test_two_days_of_bounces_disable_whom_they_should(site: Site, runner: str, place: int) -> None:
    mailman = site("site", bounces=runner)
    mailman.start("bounces", "lmtp")
    mailman.send(list(bounces(1).values()))
    mailman.drain()
    first = {who: (("enabled", 1) if after[place] == DISABLED else KEPT) for who, after in AFTER.items()}
    assert mailman.standing("garden") == first
    mailman.ask("UPDATE member SET last_bounce_received = datetime(last_bounce_received, '-1 day')")
    mailman.send(list(bounces(2).values()))
    mailman.drain()
    assert mailman.standing("garden") == {who: after[place] for who, after in AFTER.items()}
    assert set(mailman.standing("shed").values()) == {KEPT}
