from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.intake.postfix import Postfix
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ALIASES = 'news-bounces "|{python} -m bounceclass deliver {top}/box || exit 75"\nbroken "|{python} -m bounceclass deliver {top}/full/box || exit 75"\n'
LMTP = free_port()


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    """Hands mail for news-bounces@pipe.test to `bounceclass deliver`, and all of lmtp.test to a listener at the port `LMTP`."""
    server = Postfix(ALIASES, LMTP)
    yield server
    server.stop()
