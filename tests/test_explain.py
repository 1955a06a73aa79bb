"""The explanations are whole in every language, and right about every code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from bounceclass import explain, knowledge
from bounceclass.codes import Code, parse
from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from bounceclass.engine import Engine

REPLIES = ["211", "214", "220", "221", "235", "250", "251", "252", "253", "334", "354", "421", "422", "432", "450", "451", "452", "453", "454", "455", "458", "459", "500", "501", "502", "503", "504", "521", "523", "524", "525", "530", "534", "535", "538", "550", "551", "552", "553", "554", "555", "556"]
REGISTRY = {0: 0, 1: 10, 2: 4, 3: 6, 4: 7, 5: 6, 6: 10, 7: 30}  # subject -> last detail, as registered with IANA
FULL = ["x.1.0", "x.1.1", "x.1.2", "x.1.3", "x.1.4", "x.1.6", "x.1.10", "x.2.0", "x.2.1", "x.2.2", "x.2.4", "x.3.2", "x.4.0", "x.4.1", "x.4.2", "x.4.3", "x.4.4", "x.4.5", "x.4.6", "x.4.7"] + [f"x.7.{detail}" for detail in range(31)]  # fmt: skip
LOOK_ALIKES = ["421", "450", "521", "550", "552", "553", "554", "x.1.1", "x.1.10", "x.2.1", "x.3.2", "x.4.1", "x.7.1"]
PAIRS = ["250/521", "250/251", "421/450", "450/550", "550/551", "550/554", "552/452", "521/556", "535/530", "5.1.1/5.1.10", "5.7.1/5.7.26"]
LANGUAGES = explain.languages()
HANGUL = re.compile("[가-힣]")
PROSE = ("name", "summary", "meaning", "seen_when", "address", "sender_todo", "receiver_todo", "server_use")


def text_of(language: str, code: str) -> explain.Text:
    said = explain.texts(language)
    return said.status[code] if code.startswith("x") else said.reply[code]


def all_prose(language: str) -> dict[str, str]:
    """Every piece of prose by its place."""
    said = explain.texts(language)
    found: dict[str, str] = {}
    for code, text in (*said.reply.items(), *said.status.items()):
        found |= {f"{code}.{key}": value for key in PROSE if (value := getattr(text, key)) is not None}
        found |= {f"{code}.brief.{key}": getattr(text.brief, key) for key in text.brief.__struct_fields__} if text.brief else {}
        found |= {f"{code}.look_alikes[{place}]": row.really for place, row in enumerate(text.look_alikes)}
    for names, pair in said.compare.items():
        found |= {f"{names}.summary": pair.summary, f"{names}.address": pair.address}
        found |= {f"{names}.differences[{place}]": text for place, (_, text) in enumerate(pair.differences)}
    return found


def test_the_facts_hold_every_reply_code_and_every_registered_status() -> None:
    facts = knowledge.codes()
    assert list(facts.reply) == REPLIES
    assert list(facts.status) == [f"x.{subject}.{detail}" for subject, last in REGISTRY.items() for detail in range(last + 1)]


def test_every_fact_names_its_source_a_line_that_carries_it_and_codes_that_exist(engine: Engine) -> None:
    facts = knowledge.codes()
    known = {*facts.reply, *facts.status}
    for name, fact in (*facts.reply.items(), *facts.status.items()):
        assert fact.source, name
        assert set(fact.related) <= known, name
        said = engine.reply(fact.line)
        assert name in {str(said.reply_code), "x" + (said.enhanced_status or "")[1:]}, name
        assert all(parse(status).status == status for status in fact.statuses), name


def test_what_is_full_is_what_decides_over_addresses_and_all_of_security() -> None:
    assert [name for name, fact in knowledge.codes().status.items() if fact.full] == FULL


def test_there_is_english_and_korean() -> None:
    assert LANGUAGES == ("en", "ko")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [*REPLIES, *FULL])
def test_a_full_explanation_has_every_section(language: str, code: str) -> None:
    text = text_of(language, code)
    assert [key for key in PROSE if not (getattr(text, key) or "").strip()] == []
    assert text.brief is not None
    assert text.look_alikes or code not in LOOK_ALIKES


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_code_and_no_pair_is_missing(language: str) -> None:
    said, facts = explain.texts(language), knowledge.codes()
    assert (list(said.reply), list(said.status), list(said.compare)) == (list(facts.reply), list(facts.status), PAIRS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_around_the_prose_are_whole(language: str) -> None:
    english, words = explain.words("en"), explain.words(language)
    assert {key: list(table) for key, table in words.items()} == {key: list(table) for key, table in english.items()}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_entry_is_its_english_one(language: str) -> None:
    english, other = all_prose("en"), all_prose(language)
    assert list(english) == list(other)
    assert [place for place in english if english[place] == other[place]] == []


def test_no_korean_is_without_hangul_and_no_english_with_it() -> None:
    assert [place for place, text in all_prose("ko").items() if not HANGUL.search(text)] == []
    assert [place for place, text in all_prose("en").items() if HANGUL.search(text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_look_alikes_are_the_same_lines_in_every_language(language: str) -> None:
    for code in (*knowledge.codes().reply, *knowledge.codes().status):
        lines = [row.line for row in text_of(language, code).look_alikes]
        assert lines == [row.line for row in text_of("en", code).look_alikes]


def test_explain_and_judge_agree_on_what_a_code_alone_calls_for(engine: Engine) -> None:
    for name, fact in knowledge.codes().reply.items():
        if fact.reason == "mailbox-full":  # a bare 552 depends on the phase
            continue
        said = explain.explain(Code(int(name), None))
        verdict = engine.reply(name).verdict
        if int(name) >= 400:
            assert (said.reason, said.advice) == (verdict.reason, verdict.advice), name


@pytest.mark.parametrize(
    ("code", "defined", "name"),
    [("521", True, "Host does not accept mail"), ("5.1.1", True, None), ("599", False, "not a defined code"), ("5.1.99", False, "not a defined code"), ("5.9.1", False, "not a defined code")],
)  # fmt: skip
def test_a_code_that_nobody_defined_says_so(code: str, defined: bool, name: str | None) -> None:  # noqa: FBT001  a column of the table
    said = explain.explain(parse(code))
    assert said.defined is defined
    assert name is None or said.name == name
    assert said.meaning
    assert defined or code in said.meaning


def test_an_undefined_code_is_answered_from_its_digits() -> None:
    said = explain.explain(parse("557"))
    assert (said.permanence, said.advice) == ("permanent", "review")
    assert "5yz: refused for good" in (said.meaning or "")
    assert "the mail system" in (said.meaning or "")


def test_a_pair_that_contradicts_itself_is_explained_as_transient() -> None:
    said = explain.explain(parse("550 4.2.2"))
    assert (said.permanence, said.advice) == ("transient", "count")
    assert "contradict" in (said.summary or "")


@pytest.mark.parametrize(("arguments", "codes"), [(["550", "5.1.1"], ["550 5.1.1"]), (["550", "521"], ["550", "521"]), (["5.1.1", "5.2.2"], ["5.1.1", "5.2.2"]), (["550 5.1.1", "5.2.2"], ["550 5.1.1", "5.2.2"])])  # fmt: skip
def test_a_reply_with_a_status_behind_it_is_one_code(arguments: list[str], codes: list[str]) -> None:
    assert [str(code) for code in explain.read_codes(arguments)] == codes


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pair_that_people_ask_about_is_compared_by_hand_either_way_round(pair: str, language: str) -> None:
    one, other = (parse(code) for code in pair.split("/"))
    straight, turned = explain.compare([one, other], language), explain.compare([other, one], language)
    assert straight.summary
    assert straight.differences
    assert straight.which_when
    assert straight.timeline
    assert [(key, (right, left)) for key, (left, right) in straight.table] == list(turned.table)
    assert turned.differences == straight.differences


def test_any_two_codes_are_compared_from_the_facts() -> None:
    compared = explain.compare([parse("421"), parse("554"), parse("5.7.1")])
    table = dict(compared.table)
    assert table["name"] == tuple(one.name for one in compared.explanations)
    assert {"class", "defined_in", "about", "retry", "who", "address", "misread"} <= set(table)
    assert compared.differences == ()


@pytest.mark.parametrize(
    ("asked", "environ", "language"),
    [
        ("ko", {}, "ko"),
        ("KO", {}, "ko"),
        (None, {"LC_MESSAGES": "ko_KR.UTF-8"}, "ko"),
        (None, {"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        (None, {"LANG": "fr_FR.UTF-8"}, "en"),
        (None, {"LANG": "C"}, "en"),
        (None, {}, "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_locale_s(asked: str | None, environ: dict[str, str], language: str) -> None:
    assert explain.pick_language(asked, environ) == language


def test_a_language_without_texts_is_an_error_that_names_the_others() -> None:
    with pytest.raises(SettingsError, match="known are en, ko"):
        explain.pick_language("tlh", {})
