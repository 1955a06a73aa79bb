"""A token's rate."""

from __future__ import annotations

import pytest

from bounceclass.settings import SecretSource, TokenSettings
from bounceclass.web.tokens import Token


def test_a_token_is_good_for_its_rate_and_regains_it_with_time() -> None:
    now = [0.0]
    token = Token("app", TokenSettings(token=SecretSource(secret="x" * 16), rate=60), lambda: now[0])
    assert [token.spend() for _ in range(60)] == [0.0] * 60
    assert token.spend() == pytest.approx(1.0)
    now[0] = 2.5
    assert [token.spend() for _ in range(3)] == [0.0, 0.0, pytest.approx(0.5)]
