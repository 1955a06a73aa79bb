"""Without its landmarks a pattern matches nothing, so they may be asked for first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bounceclass.formats import notices
from bounceclass.landmarks import Patterns, landmarks
from bounceclass.message import Message
from bounceclass.packs import load_ours
from bounceclass.settings import Settings

STARTS = sorted({notice.start for notice in notices()})
RULES = sorted({rule.pattern for pack in load_ours() for rule in pack.rules.values() if rule.pattern})
MADE = [pattern for pattern in (*STARTS, *RULES) if not re.search(r"\(\?<?[=!]", pattern)]
"""Hypothesis can't make texts for patterns that look around."""
SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("mail", {"mail"}),
        ("^The mail$", {"The mail"}),
        (r"to \S+ failed: \d", {" failed: "}),
        (r"(?:user|mailbox) unknown", {" unknown"}),
        (r"(?:user unknown|mailbox full): \d", {"user unknown", "mailbox full"}),
        (r"(?:user unknown|\d+)x", {"x"}),
        (r"(?:not )?delivered", {"delivered"}),
        (r"(?:re){2}try", {"try"}),
        (r"^<\S+>$(?=\s+--server message)", {"--server message"}),
        (r"a(?!not this)b", {"a"}),
        (r"\w@\w(?=\d#)", {"#"}),
        (r"(?<=Status: )\d", {"Status: "}),
        (r"(?i)mail", set()),
        (r"\d (?i:mail)", {" "}),
        (r"\d+", set()),
        (r"[ab]?c*", set()),
        ("", set()),
    ],
)
def test_one_of_them_is_in_whatever_the_pattern_matches(pattern: str, found: set[str]) -> None:
    assert landmarks(pattern) == found


def test_what_is_no_pattern_is_an_error() -> None:
    with pytest.raises(re.error, match="unterminated"):
        landmarks("(a")


@pytest.mark.parametrize("pattern", MADE)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_text_made_from_a_pattern_of_ours_has_one_of_them(pattern: str, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(pattern, re.MULTILINE)))
    assert not landmarks(pattern) or any(mark in text for mark in landmarks(pattern))


def test_no_row_misses_a_sample_for_want_of_one() -> None:
    for path in sorted(SAMPLES.glob("*/*.eml")):
        text = Message(path.read_bytes(), Settings()).text()
        assert {place for place, start in enumerate(STARTS) if re.search(start, text, re.MULTILINE)} <= set(Patterns(STARTS).possible(text)), path.name
