from __future__ import annotations

import re
from pathlib import Path

import pytest

import bounceclass
from bounceclass.errors import KnowledgeError
from bounceclass.model import Advice, Details, Event, Evidence, Kind, Permanence, Reason, Scope, Verdict
from bounceclass.translate import VOCABULARIES, Word, action_of, translate, vocabularies, word_of

PAGE = Path(__file__).parent.parent / "docs" / "vocabularies.md"


def judged(reason: Reason, *, kind: Kind = Kind.BOUNCE, permanence: Permanence = Permanence.PERMANENT, confidence: float = 0.9, pack: str = "phrases",
           details: Details | None = None, **keys: object) -> Event:  # fmt: skip
    evidence = (Evidence("rule", pack, "diagnostic", 0, 0, ""),)
    verdict = Verdict(permanence, reason, Scope.NONE, Advice.REVIEW, confidence, details or Details(), evidence)
    return Event(kind=kind, verdict=verdict, **keys)  # type: ignore[arg-type]


def test_the_vocabularies_are_those_of_the_file() -> None:
    assert tuple(vocabularies()) == VOCABULARIES


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_reason_has_a_word_or_none_by_name_and_every_word_is_of_the_closed_list(name: str) -> None:
    row = vocabularies()[name]
    assert [reason for reason in Reason if (reason in row.words) == (reason in row.none)] == []
    assert {*row.words, *row.none, *row.when} <= set(Reason)
    words = {*row.words.values(), *(word for one in row.when.values() for word in one.values()), *row.parts, *row.hard, *row.hard_if_permanent}
    assert words - set(row.names) == set()
    assert len(set(row.names)) == len(row.names)
    assert all(note and row.source for note in row.none.values())


@pytest.mark.parametrize("name", VOCABULARIES)
@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_is_translated_to_its_row(name: str, reason: Reason) -> None:
    word = translate(judged(reason, details=Details(blocklist="zen.example.net")), name)
    row = vocabularies()[name]
    assert (word.vocabulary, word.word, word.note) == (name, row.words.get(reason), row.none.get(reason))
    assert word.flat() == {"vocabulary": name, "word": word.word, **word.parts, "note": word.note}
    assert str(word) == (word.word or "-")
    assert word_of(reason, name) == word.word


@pytest.mark.parametrize(
    ("name", "event", "word"),
    [
        ("sparkpost", judged(Reason.MAILBOX_DISABLED), "10"),
        ("sparkpost", judged(Reason.MAILBOX_DISABLED, pack="codes", confidence=0.4), "30"),
        ("sparkpost", judged(Reason.MAILBOX_DISABLED, pack="codes", confidence=0.8), "10"),
        ("sparkpost", judged(Reason.IP_BLOCKED, details=Details(blocklist="zen.example.net")), "51"),
        ("sparkpost", judged(Reason.IP_BLOCKED), "50"),
        ("sparkpost", judged(Reason.CONTENT), "53"),
        ("sparkpost", judged(Reason.CONTENT, diagnostic="552 5.7.0 this file type is not allowed"), "53"),
        ("sparkpost", judged(Reason.CONTENT, diagnostic="552 forbidden attachment"), "53"),
        ("sparkpost", judged(Reason.CONTENT, diagnostic="550 Subject header refused"), "52"),
        ("sparkpost", judged(Reason.NETWORK_ERROR), "24"),
        ("sparkpost", judged(Reason.NETWORK_ERROR, diagnostic="connect to mx.example.org: Connection timed out"), "24"),
        ("sparkpost", judged(Reason.NETWORK_ERROR, diagnostic="Host or domain name not found. Name service error"), "21"),
        ("postmark", judged(Reason.AUTHENTICATION_FAILED, diagnostic="550 SPF failed"), "Blocked"),
        ("postmark", judged(Reason.AUTHENTICATION_FAILED, diagnostic="550 rejected by DMARC policy"), "DMARCPolicy"),
        ("zonemta", judged(Reason.AUTHENTICATION_FAILED, diagnostic="550 SPF failed"), "auth"),
        ("zonemta", judged(Reason.AUTHENTICATION_FAILED, diagnostic="550 rejected by DMARC policy"), "dmarc"),
    ],
)
def test_a_word_may_hang_on_more_than_the_reason(name: str, event: Event, word: str) -> None:
    assert translate(event, name).word == word


@pytest.mark.parametrize(
    ("event", "hard"),
    [
        (judged(Reason.USER_UNKNOWN, reply_code=450, permanence=Permanence.TRANSIENT), True),
        (judged(Reason.ADDRESS_MOVED), True),
        (judged(Reason.DOMAIN_UNKNOWN), True),
        (judged(Reason.DOMAIN_NO_MAIL, reply_code=556), True),
        (judged(Reason.DOMAIN_NO_MAIL, enhanced_status="5.1.10"), True),
        (judged(Reason.DOMAIN_NO_MAIL, reply_code=450), False),
        (judged(Reason.DOMAIN_NO_MAIL), False),
        (judged(Reason.MAILBOX_DISABLED, reply_code=550), False),
        (judged(Reason.SPAM, reply_code=550), False),
        (judged(Reason.GREYLISTED), False),
    ],
)
def test_hardbounce_is_true_only_by_sisimai_s_own_rule(event: Event, hard: bool) -> None:  # noqa: FBT001  a column
    assert translate(event, "sisimai").parts == {"hardbounce": hard}


@pytest.mark.parametrize(
    ("name", "event", "parts"),
    [
        ("sparkpost", judged(Reason.MAILBOX_FULL), {"name": "Mailbox Full", "category": "soft"}),
        ("sparkpost", judged(Reason.COMPLAINT), {"name": None, "category": None}),
        ("ses", judged(Reason.USER_UNKNOWN), {"type": "Permanent", "subtype": "NoEmail"}),
        ("ses", judged(Reason.COMPLAINT), {"type": None, "subtype": None}),
        ("kumomta", judged(Reason.SPAM), {}),
        ("anymail", judged(Reason.USER_UNKNOWN), {"event_type": "bounced", "reject_reason": "bounced"}),
        ("anymail", judged(Reason.GREYLISTED, kind=Kind.DELAY), {"event_type": "deferred", "reject_reason": "other"}),
        ("anymail", judged(Reason.COMPLAINT, kind=Kind.COMPLAINT), {"event_type": "complained", "reject_reason": "spam"}),
        ("anymail", judged(Reason.DELIVERED, kind=Kind.DELIVERY), {"event_type": "delivered", "reject_reason": None}),
        ("anymail", judged(Reason.SUPPRESSED), {"event_type": "rejected", "reject_reason": "bounced"}),
        ("anymail", judged(Reason.RECEIPT, kind=Kind.RECEIPT), {"event_type": "unknown", "reject_reason": None}),
        ("zonemta", judged(Reason.USER_UNKNOWN), {"action": "reject"}),
        ("zonemta", judged(Reason.MAILBOX_FULL, permanence=Permanence.TRANSIENT), {"action": "defer"}),
        ("zonemta", judged(Reason.COMPLAINT), {"action": None}),
    ],
)
def test_what_goes_beside_a_word(name: str, event: Event, parts: dict[str, str | None]) -> None:
    assert translate(event, name).parts == parts


@pytest.mark.parametrize(
    ("reason", "permanence", "action"),
    [
        (Reason.RATE_LIMITED, Permanence.PERMANENT, "slowdown"),
        (Reason.IP_BLOCKED, Permanence.PERMANENT, "defer"),
        (Reason.SPAM, Permanence.PERMANENT, "reject"),
        (Reason.SPAM, Permanence.UNDETERMINED, "reject"),
        (Reason.SPAM, Permanence.TRANSIENT, "defer"),
    ],
)
def test_zonemta_is_told_to_try_again_where_that_may_help(reason: Reason, permanence: Permanence, action: str) -> None:
    assert action_of(reason, permanence) == action


def test_a_reply_is_translated_as_it_is_judged() -> None:
    event = bounceclass.reply("550 5.1.1 <user@example.org>: Recipient address rejected: User unknown")
    assert translate(event, "ses") == Word("ses", "Permanent/NoEmail", {"type": "Permanent", "subtype": "NoEmail"})


def test_an_unknown_vocabulary_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(KnowledgeError, match="morse: no such vocabulary: known are sisimai, sparkpost"):
        translate(judged(Reason.SPAM), "morse")


def documented() -> dict[str, list[str]]:
    lines = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {reason: [cell.strip() for cell in cells.split("|")] for reason, cells in lines if reason in set(Reason)}


def test_the_page_has_the_whole_table_as_it_is_in_the_file() -> None:
    table = documented()
    assert list(table) == list(Reason)
    for reason, cells in table.items():
        rows = [vocabularies()[name] for name in VOCABULARIES]
        expected = [", ".join([row.words.get(reason, "-"), *row.when.get(reason, {}).values()]) for row in rows]
        assert cells == expected, reason


def test_the_page_names_every_vocabulary_and_condition() -> None:
    text = PAGE.read_text(encoding="utf-8")
    conditions = {name for row in vocabularies().values() for one in row.when.values() for name in one}
    assert [word for word in (*VOCABULARIES, *sorted(conditions)) if f"`{word}`" not in text] == []
