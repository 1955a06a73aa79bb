"""Both ways of looking for literals find what asking for each one finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass import literals
from bounceclass.literals import Automaton, Pieces
from bounceclass.packs import load_ours
from bounceclass.transcript import normalise

pytest.importorskip("ahocorasick", reason="the extra [fast] is not installed")

SAMPLES = Path(__file__).parent.parent / "samples"
WORDS = {word: [place] for place, word in enumerate({word for pack in load_ours() for rule in pack.rules.values() for word in (*rule.any, *rule.all)})}
WAYS = (Automaton(WORDS), Pieces(WORDS))


def asked_for_each(text: str) -> set[int]:
    return {place for word, (place,) in WORDS.items() if word in text}


def test_on_every_sample_both_find_the_same() -> None:
    for path in sorted(SAMPLES.glob("*/*.json")):
        for event in json.loads(path.read_bytes())["events"]:
            text = normalise(event["diagnostic"] or "").text
            assert [way.within(text) for way in WAYS] == [asked_for_each(text)] * 2, path.name


@given(st.lists(st.sampled_from([*WORDS, " ", "x", "é", "\0", "<addr>"]), max_size=8).map("".join), st.integers(0, 30))
def test_on_texts_put_together_from_them_both_find_the_same(text: str, cut: int) -> None:
    assert [way.within(text[cut:]) for way in WAYS] == [asked_for_each(text[cut:])] * 2


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=6), st.integers(0, 9)), max_size=12), st.text("abc", max_size=20))
def test_short_ones_and_several_with_one_literal_are_found(rows: list[tuple[str, int]], text: str) -> None:
    by_literal: dict[str, list[int]] = {}
    for word, number in rows:
        by_literal.setdefault(word, []).append(number)
    expected = {number for word, number in rows if word in text}
    assert (Automaton(by_literal).within(text), Pieces(by_literal).within(text)) == (expected, expected)


def test_without_the_extra_the_index_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(literals.literals([("abc", 1)]), Automaton)
    monkeypatch.setattr(literals, "ahocorasick", None)
    assert isinstance(literals.literals([("abc", 1)]), Pieces)
