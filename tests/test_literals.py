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
WORDS = tuple(dict.fromkeys(word for pack in load_ours() for rule in pack.rules.values() for word in (*rule.any, *rule.all, *rule.none)))
WAYS = (Automaton(WORDS), Pieces(WORDS))


def asked_for_each(text: str) -> set[int]:
    return {place for place, word in enumerate(WORDS) if word in text}


def test_on_every_sample_both_find_the_same() -> None:
    for path in (path.with_suffix(".json") for path in sorted(SAMPLES.glob("*/*.eml"))):
        for event in json.loads(path.read_bytes())["events"]:
            text = normalise(event["diagnostic"] or "").text
            assert [way.within(text) for way in WAYS] == [asked_for_each(text)] * 2, path.name


@given(st.lists(st.sampled_from([*WORDS, " ", "x", "é", "\0", "<addr>"]), max_size=8).map("".join), st.integers(0, 30))
def test_on_texts_put_together_from_them_both_find_the_same(text: str, cut: int) -> None:
    found = asked_for_each(text[cut:])
    assert [(way.within(text[cut:]), way.any_within(text[cut:])) for way in WAYS] == [(found, bool(found))] * 2


@given(st.lists(st.text("abé", min_size=1, max_size=6), unique=True, max_size=12).map(tuple), st.text("abé", max_size=20))
def test_short_ones_are_found_and_which_ends_first_whether_asked_once_or_often(words: tuple[str, ...], text: str) -> None:
    expected = {place for place, word in enumerate(words) if word in text}
    first = min((text.find(word) + len(word) - 1 for word in words if word in text), default=-1)
    for way in (Automaton(words), Pieces(words)):
        assert [way.within(text) for _ in range(10)] == [expected] * 10
        assert (way.first_within(text), way.any_within(text)) == (first, bool(expected))


def test_engines_of_the_same_packs_share_what_was_built() -> None:
    one = literals.literals(WORDS)
    assert literals.literals((*WORDS,)) is one


def test_without_the_extra_the_index_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(literals.literals(("abc",)), Automaton)
    monkeypatch.setattr(literals, "ahocorasick", None)
    assert isinstance(literals.literals(("abcd",)), Pieces)
