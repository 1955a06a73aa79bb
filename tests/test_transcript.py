from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bounceclass.model import COMMANDS
from bounceclass.phases import find_command, find_command_in_lines
from bounceclass.transcript import find_host, normalise, read

# (text, reply code, status, command, remote host)
SAID = [
    ("550 5.1.1 User unknown", 550, "5.1.1", None, None),
    ("550", 550, None, None, None),
    ("550-5.1.1 a 550 5.1.1 b", 550, "5.1.1", None, None),
    ("550 #5.1.0 Address rejected.", 550, "5.1.0", None, None),
    ("550 sorry, no mailbox here by that name (#5.1.1)", 550, "5.1.1", None, None),
    ("571 5.7.1 not authorized", 571, "5.7.1", None, None),
    ("host mx.example.org[192.0.2.1] said: 550-5.1.1 No (in reply to RCPT TO command)", 550, "5.1.1", "rcpt", "mx.example.org"),
    ("host mx.example.org[192.0.2.1] said: 554 no (in reply to end of DATA command)", 554, None, "body", "mx.example.org"),
    ("host mx.example.org[192.0.2.1] said: 450 4.7.1 no (in reply to MAIL FROM command)", 450, "4.7.1", "mail", "mx.example.org"),
    ("host mx.example.org[192.0.2.1] said: 501 no (in reply to EHLO command)", 501, None, "ehlo", "mx.example.org"),
    ("host mx.example.org[192.0.2.1] said: 554 no (in reply to DATA command)", 554, None, "data", "mx.example.org"),
    ("host mx.example.org[192.0.2.1] refused to talk to me: 521 mx.example.org does not accept mail", 521, None, "connect", "mx.example.org"),
    ("SMTP error from remote mail server after RCPT TO:<u@example.org>: host mx.example.org [192.0.2.1]: 550 unknown", 550, None, "rcpt", "mx.example.org"),
    ("SMTP error from remote mail server after end of data: host mx.example.org [192.0.2.1]: 554 spam", 554, None, "body", "mx.example.org"),
    ("SMTP error from remote mail server after initial connection: host mx.example.org [192.0.2.1]: 554 no", 554, None, "connect", "mx.example.org"),
    ("lost connection with mx.example.org[192.0.2.1] while receiving the initial server greeting", None, None, "connect", "mx.example.org"),
    (
        "conversation with mx.example.org[192.0.2.1] timed out while sending end of data -- message may be sent more than once",
        None,
        None,
        "body",
        "mx.example.org",
    ),
    ("connect to mx.example.org[192.0.2.1]:25: Connection refused", None, None, "connect", "mx.example.org"),
    ("Connected to 192.0.2.1 but greeting failed. Remote host said: 554 no", 554, None, "connect", None),
    ("550: 5.1.1 unknown", 550, "5.1.1", None, None),
    ("550:x", None, None, None, None),
    ("the server of example.org reply:550 5.1.1 unknown", 550, "5.1.1", None, None),
    ("550 5.4.317 Message expired, cannot connect 450 4.4.317 Cannot establish session", 450, "4.4.317", None, None),
    ("192.0.2.1 does not like recipient. Remote host said: 550 5.1.1 unknown Giving up on 192.0.2.1.", 550, "5.1.1", "rcpt", None),
    ("5.1.0 - Unknown address error 550-'5.2.2 <u@example.org>... Mailbox Full'", 550, "5.2.2", None, None),
    ("554 5.4.7 [internal] exceeded max time without delivery (last transfail: 452 4.2.2 Mailbox full)", 452, "4.2.2", None, None),
    ("554 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.2 Connection timed out>", 421, "4.4.2", None, None),
    ("553 5.3.0 flph825 DNSBL:ATTRBL 521< 192.0.2.1 >_is_blocked", 553, "5.3.0", None, None),
    ("550 5.1.351 Remote server returned unknown recipient -> 550 <u@example.org>: User unknown", 550, "5.1.351", None, None),
    ("(reason: 550 5.7.1 Blocked)", 550, "5.7.1", None, None),
    ("<<< 550 5.1.1 <u@example.org>... User unknown", 550, "5.1.1", None, None),
    ("5.4.7 - Delivery expired (message too old)", None, "5.4.7", None, None),
    ("552 Message size exceeds fixed maximum message size: 5242880 bytes", 552, None, None, None),
    ("<u@example.org>: mailbox unavailable. [SMTP Error Code 550]", 550, None, None, None),
    ("u@example.org, ERROR_CODE :550, ERROR_CODE :5.1.1 no such user", 550, "5.1.1", None, None),
    ("It responded as follows: [550 5.1.1 User unknown]", 550, "5.1.1", None, None),
    ("----- Transcript of session follows ----- 554 |/usr/bin/procmail... Service unavailable", 554, None, None, None),
    # dma names the host and the phase before the reply; what the reply itself names is another host's.
    ("mx.example.org [192.0.2.1] did not like our RCPT TO: 550 host store.example.org [10.0.0.1]: 552 5.2.2 full", 550, "5.2.2", "rcpt", "mx.example.org"),
    ("mx.example.org [192.0.2.1] did not like our final DATA: 552 no", 552, None, "body", "mx.example.org"),
    ("mx.example.org [192.0.2.1] did not like our connect: 554 no", 554, None, "connect", "mx.example.org"),
    ("450 4.1.1 unverified address: connect to store.example.org[10.0.0.1]:25: Connection timed out", 450, "4.1.1", None, "store.example.org"),
    (
        "host mx.example.org[192.0.2.1] said: 550 5.1.1 host store said: 550 no (in reply to end of DATA command) (in reply to RCPT TO command)",
        550,
        "5.1.1",
        "rcpt",
        "mx.example.org",
    ),
    ("554 INVALID IP FOR SENDING MAIL OF DOMAIN example.com", 554, None, None, None),
    # A status of no meaning, put before one that does not follow the code at once: slimta.
    ("550 5.0.0 #5.1.1 no such user", 550, "5.1.1", None, None),
    ("550 5.0.0 no such user, see 5.1.1", 550, "5.0.0", None, None),
]
NO_CODES = [
    "connection to port 587 failed",
    "message of 550 bytes",
    "550 bytes were sent",
    "sent on 250 days in 2011 at 10:55:00",
    "192.0.2.250 is down",
    "host [192.0.2.1] port [550]",
    "http://mx.example.org:550 for more",
    "a queue of [550] messages",
    "id=550 queue 4F550A",
    "see https://example.org/550 for more",
    "jane550@example.org is away",
    "Exim 4.96 and sendmail 8.17.1",
    "unknown mail system error 255",
    "(reason: 255)",
    "",
    "   ",
]


@pytest.mark.parametrize(("text", "reply_code", "status", "command", "host"), SAID)
def test_what_the_refusing_host_said_is_found(text: str, reply_code: int | None, status: str | None, command: str | None, host: str | None) -> None:
    said = read(text)
    assert (said.reply_code, said.enhanced_status, said.command, said.remote_host) == (reply_code, status, command, host)


@pytest.mark.parametrize("text", NO_CODES)
def test_a_number_that_only_looks_like_a_code_is_none(text: str) -> None:
    said = read(text)
    assert (said.reply_code, said.enhanced_status) == (None, None)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("550 5.1.1 <User@Example.org>: Unknown", "550 5.1.1 <addr>: unknown"),
        ("550-5.1.1 The account 550-5.1.1 you tried 550 5.1.1 is gone", "550-5.1.1 the account you tried is gone"),
        ("550-The account 550-you tried 550 is gone", "550-the account you tried is gone"),
        ("client [192.0.2.1] blocked, 2001:db8::1 too", "client [<ip>] blocked, <ip> too"),
        ("two  blanks\tand\na line", "two blanks and a line"),
        ("[TSS04] from 192.0.2.1 at 12:34:56 (S3150) 4.16.55.1", "[tss04] from <ip> at 12:34:56 (s3150) <ip>"),
        ("mail to a@b, c.d@e.f. and <x@y>", "mail to <addr>, <addr>. and <addr>"),
        ("@ alone and a@ and @b", "@ alone and a@ and @b"),
        ("İstanbul ÄÖÜ 한국어", "İstanbul äöü 한국어"),
    ],
)
def test_rules_see_lower_case_single_blanks_and_masks(text: str, seen: str) -> None:
    assert normalise(text).text == seen


@given(st.text(st.sampled_from("aZ5 .@<>[]-:\t\n1é한İ"), max_size=80))
@example("550-5.1.1 x 550-5.1.1 y@z 550 5.1.1 [192.0.2.1]")
def test_every_offset_leads_back_to_its_character(text: str) -> None:
    seen = normalise(text)
    for place, char in enumerate(seen.text):
        origin = seen.origin(place)
        assert 0 <= origin <= len(text)
        if origin < len(text) and char not in "<>adrip ":
            assert text[origin].lower()[:1] == char[:1].lower() or text[origin] == char


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    said = read(text)
    assert said.command in {None, *COMMANDS}
    assert said == read(text)
    assert 0 <= said.start <= said.end <= max(len(text), said.end)
    normalise(text, said.start, said.end)


@pytest.mark.parametrize(("text", "command"), [(">>> rcpt to:<u@example.org>", "rcpt"), ("while sending mail from", "mail"), ("did not like our rcpt to:", "rcpt"), ("after starttls: tls failed", "starttls"), ("in reply to auth command", "auth"), ("(in reply to mail)", "mail"), ("550 failure sending mail. try again later", None), ("after mail delivery", None), ("nothing", None)])  # fmt: skip
def test_a_phase_is_named_in_many_ways(text: str, command: str | None) -> None:
    assert find_command(text) == command


@pytest.mark.parametrize(("text", "host"), [("host mx.example.org said: x", "mx.example.org"), ("host of the party (said he)", None), ("connect to [192.0.2.1]:25", "[192.0.2.1]"), ("host", None)])  # fmt: skip
def test_a_host_is_named_in_many_ways(text: str, host: str | None) -> None:
    assert find_host(text) == host


@given(st.lists(st.sampled_from(["in", "reply", "to", "after", "rcpt", "to:<", "connect", "greeting", "failed", ">>>", "mail", "from:<", "\n", "  ", " ", "x"]), max_size=12).map("".join))
def test_what_names_a_phase_when_it_is_put_on_one_line_is_never_passed_over(text: str) -> None:
    assert find_command_in_lines(text) == find_command(" ".join(text.split()))


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("451 4.7.1 TempFailed, id=01234-05, from MTA(smtp:[127.0.0.1]:10025): 450 4.2.0 greylisted", 450, "4.2.0"),
        ("554 5.7.1 Reject, from MTA([127.0.0.1]:10025): 550 5.1.1 unknown", 550, "5.1.1"),
        ("250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4F2A91C0", 250, "2.0.0"),
        ("451 4.5.0 Temporary MTA failure on relaying, From MTA() during fwd-connect (Negative greeting)", 451, "4.5.0"),
    ],
)
def test_a_reply_that_amavis_hands_on_is_the_one_that_counts(text: str, code: int, status: str) -> None:
    said = read(text)
    assert (said.reply_code, said.enhanced_status) == (code, status)


@pytest.mark.parametrize("mark", ["'", "\u2019", "\u2018", "\xb4", "`"])
def test_an_apostrophe_is_straight_to_rules(mark: str) -> None:
    seen = normalise(f"550 it doesn{mark}t exist")
    assert (seen.text, seen.origin(12)) == ("550 it doesn't exist", 12)


def test_what_alibaba_makes_of_a_reply_is_not_the_reply() -> None:
    said = read("mx.example.org reply: 550 5.1.1 User not found 退信原因\uff1a收件方地址暂时不可用")
    assert said.text[said.start : said.end] == "550 5.1.1 User not found"


@pytest.mark.parametrize("error", ["Cannot assign requested address", "Permission denied", "Address family not supported by protocol", "Connection refused"])
def test_no_way_to_a_host_is_of_the_connection_whatever_the_error(error: str) -> None:
    assert read(f"connect to mx.example.org[2001:db8::1]:25: {error}").command == "connect"
