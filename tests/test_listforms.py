from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.controls import steers
from bounceclass.listforms import Faulty, Given, read, write
from bounceclass.model import Reason, Suppression

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
GIVEN = Given(reason=Reason.SUPPRESSED, since=NOW, by="anna@example.com")
RUTH = Suppression(
    address="ruth@example.org", scope="garden", reason=Reason.MAILBOX_FULL, since=NOW, until=NOW.replace(month=5), cause=("k1", "k2"), by="policy"
)
DOMAIN = Suppression(domain="gone.example", reason=Reason.DOMAIN_NO_MAIL, since=NOW, by="policy")
PLAIN = Suppression(address="ruth@example.org", reason=Reason.SUPPRESSED, since=NOW, by="anna@example.com")


def text(entries: list[Suppression], form: str) -> str:
    return "".join(line for line in write(entries, form) if isinstance(line, str))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_is_written_is_read_back_as_it_was(form: str) -> None:
    assert list(read(io.StringIO(text([RUTH, DOMAIN], form)), form, GIVEN)) == [RUTH, DOMAIN]


@given(st.from_regex(r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f-\x9f\ud800-\udfff]{1,20}", fullmatch=True).filter(lambda local: not steers(local)), st.sampled_from(["csv", "jsonl"]))
def test_any_local_part_survives(local: str, form: str) -> None:
    entry = Suppression(address=f"{local}@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy")
    assert list(read(io.StringIO(text([entry], form), newline=""), form, GIVEN)) == [entry]


def test_a_plain_list_has_one_of_them_a_line() -> None:
    assert text([RUTH, DOMAIN], "plain") == "ruth@example.org\n@gone.example\n"
    told = "# of 2025\n\nruth@example.org  # moved\n@gone.example\nnobody\n"
    gone = Suppression(domain="gone.example", reason=Reason.SUPPRESSED, since=NOW, by="anna@example.com")
    assert list(read(io.StringIO(told), "plain", GIVEN)) == [PLAIN, gone, Faulty(5, "'nobody' is no address")]


@pytest.mark.parametrize(
    ("form", "told", "line", "fault"),
    [
        ("csv", "address,since\nruth@example.org,yesterday\n", 2, "since"),
        ("csv", "address,since\nruth@example.org,2026-03-09T12:00:00\n", 2, "zone"),
        ("csv", "name\nruth\n", 1, "no column"),
        ("csv", "address,domain\nruth@example.org,example.org\n", 2, "one of them"),
        ("csv", "address\nruth @example.org\n", 2, "is no address"),
        ("csv", "address,reason\nruth@example.org,dead\n", 2, "dead"),
        ("jsonl", '{"address": \n', 1, ""),
        ("jsonl", '{"domain": "a b"}\n', 1, "is no domain"),
        ("jsonl", "[]\n", 1, ""),
    ],
)
def test_a_line_that_is_none_is_named_and_the_others_are_read(form: str, told: str, line: int, fault: str) -> None:
    found = list(read(io.StringIO(told), form, GIVEN))
    (faulty,) = [one for one in found if isinstance(one, Faulty)]
    assert (faulty.line, fault in faulty.fault) == (line, True)


def test_columns_may_stand_in_any_order_and_case_and_others_beside_them() -> None:
    told = "Note,ADDRESS\r\nseen twice,ruth@example.org\r\n"
    assert list(read(io.StringIO(told, newline=""), "csv", GIVEN)) == [PLAIN]


@pytest.mark.parametrize("lead", ["=1+1", "+1", "-1", "'a"])
def test_no_cell_is_a_formula(lead: str) -> None:
    entry = Suppression(address=f"{lead}@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy")
    written = text([entry], "csv")
    assert next(csv.reader([written.splitlines()[1]]))[0] == f"'{lead}@example.org"
    assert list(read(io.StringIO(written), "csv", GIVEN)) == [entry]


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("Ruth@EXAMPLE.org", "ruth@example.org 550 5.7.1 not mailed: user-unknown, since 2026-03-09\n"),
        ("ruth@example.org\nexample.net OK", None),
        ("#ruth@example.org", None),
        (" ruth@example.org", "ruth@example.org 550 5.7.1 not mailed: user-unknown, since 2026-03-09\n"),
        ("a b@example.org", None),
        ('"a b"@example.org', None),
        ("ruth@example.org OK", None),
        ("ruth@", None),
        ("rüth@example.org", None),
        ("ruth:x@example.org", None),
        ("*@example.org", "*@example.org 550 5.7.1 not mailed: user-unknown, since 2026-03-09\n"),
    ],
)
def test_a_line_of_an_mta_s_table_is_one_key_and_one_refusal_or_it_is_left_out(address: str, line: str | None) -> None:
    entry = Suppression(address=address, reason=Reason.USER_UNKNOWN, since=NOW, by="policy")
    (written,) = write([entry], "postfix")
    assert written == line if line else isinstance(written, Faulty)


    told = "".join(one for one in write([entry], "opensmtpd") if isinstance(one, str))
    assert told == (f"{line.partition(' ')[0]}\n" if line else "")


def test_a_domain_is_a_key_of_its_own() -> None:
    assert text([DOMAIN], "opensmtpd") == "@gone.example\n"
    assert text([DOMAIN], "postfix") == "gone.example 550 5.7.1 not mailed: domain-no-mail, since 2026-03-09\n"


FOR_GOOD = Suppression(address="ruth@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy")
COMPLAINED = Suppression(address="paul@example.org", reason=Reason.COMPLAINT, since=NOW, by="policy")


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("ses", '"ruth@example.org","BOUNCE"\n"paul@example.org","COMPLAINT"\n'),
        ("sendgrid", '"email"\n"ruth@example.org"\n"paul@example.org"\n'),
        (
            "mailgun",
            ('"address","code","error","created_at"\n"ruth@example.org","550","not mailed: user-unknown","Mon, 09 Mar 2026 12:00:00 +0000"\n'
            '"paul@example.org","550","not mailed: complaint","Mon, 09 Mar 2026 12:00:00 +0000"\n'),
        ),
        (
            "postmark",
            ('"EmailAddress","SuppressionReason","Origin","CreatedAt"\n"ruth@example.org","HardBounce","Customer","2026-03-09T12:00:00+00:00"\n'
            '"paul@example.org","SpamComplaint","Customer","2026-03-09T12:00:00+00:00"\n'),
        ),
    ],
)
def test_esps_get_their_own_tables(form: str, written: str) -> None:
    assert text([FOR_GOOD, COMPLAINED], form) == written


@pytest.mark.parametrize(
    ("form", "told", "entries"),
    [
        ("ses", "ruth@example.org,BOUNCE\npaul@example.org,COMPLAINT\n", [PLAIN, ("paul@example.org", Reason.COMPLAINT, NOW)]),
        ("sendgrid", "email,reason,status,created\nruth@example.org,550 no such user,5.1.1,1773057600\n", [PLAIN]),
        ("sendgrid", "status,email,created\n5.1.1,ruth@example.org,2026-03-08T12:00:00\n", [("ruth@example.org", Reason.SUPPRESSED, NOW.replace(day=8))]),
        ("mailgun", 'address,code,error,created_at\nruth@example.org,550,no,"Mon, 09 Mar 2026 12:00:00 UTC"\n', [PLAIN]),
        ("mailgun", "address\nruth@example.org\n", [PLAIN]),
        (
            "postmark",
            "\ufeffEmailAddress,SuppressionReason,CreatedAt\nruth@example.org,SpamComplaint,2026-03-09T07:00:00-05:00\n",
            [("ruth@example.org", Reason.COMPLAINT, NOW)],
        ),
        ("postmark", "name\nruth\n", [Faulty(1, "the first line names no column `emailaddress`")]),
        ("mailgun", "address,created_at\nruth@example.org,Mon 99999999999999999999\n", [Faulty(2, "'Mon 99999999999999999999' is no time")]),
        (
            "sendgrid",
            "email,created\nruth@example.org,99999999999999999999\npaul@example.org,soon\n,1\n",
            [
                Faulty(2, "'99999999999999999999' is no time"),
                Faulty(3, "'soon' is no time"),
                Faulty(4, "a suppression names an address or a domain, one of them"),
            ],
        ),
    ],
)
def test_what_esps_give_is_read(form: str, told: str, entries: list[Suppression | Faulty | tuple[str, Reason, datetime]]) -> None:
    expected = [Suppression(address=one[0], reason=one[1], since=one[2], by="anna@example.com") if isinstance(one, tuple) else one for one in entries]
    assert list(read(io.StringIO(told), form, GIVEN)) == expected


@pytest.mark.parametrize("form", ["ses", "sendgrid", "mailgun", "postmark"])
@pytest.mark.parametrize("entry", [RUTH, DOMAIN, Suppression(address="=1+1@example.org", reason=Reason.SPAM, since=NOW, by="x")])
def test_what_an_esp_s_table_can_not_say_is_named(form: str, entry: Suppression) -> None:
    assert [one.line for one in write([entry], form) if isinstance(one, Faulty)] == [1]
