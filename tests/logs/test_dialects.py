"""What single lines say, dialect by dialect, and what they don't."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bounceclass.eventkey import event_key
from bounceclass.logs.reader import DIALECTS, LogReader, dialect_of
from bounceclass.logs.stamps import read_stamp

if TYPE_CHECKING:
    from bounceclass.engine import Engine
    from bounceclass.model import Report

NOW = datetime(2026, 3, 10, tzinfo=UTC)
POSTFIX = "Mar  9 12:00:00 mx postfix/smtp[9]: 4gYc7K1ZpMz2: "
EXIM = "2026-03-09 12:00:00 1tAbCd-000001-01 "
SENDMAIL = "Mar  9 12:00:00 mx sm-mta[9]: 629C00Ab000009: "
OPENSMTPD = "Mar  9 12:00:00 mx smtpd[9]: 1f2e3d4c5b6a7988 mta delivery evpid=9eba2d37a5c2ae58 from=<b@lists.example.com> "
RELAY = "delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30000, relay=mx.example.net. [192.0.2.1], "


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def read(*lines: str, dialect: str | None = None) -> list[Report]:
    reader = LogReader(dialect)
    return [report for line in lines for report in reader.read(line.encode(), NOW)]


def brief(reports: list[Report]) -> list[tuple[object, ...]]:
    return [(str(event.kind), event.recipient, event.original_recipient, event.reply_code, event.enhanced_status) for report in reports for event in report.events]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{POSTFIX}to=<a@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=5.1.1, status=bounced (550 5.1.1 no)", ("bounce", "a@example.net", None, 550, "5.1.1")),
        (f"{POSTFIX}to=<b@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=4.1.1, status=SOFTBOUNCE (host mx.example.net[192.0.2.1] said: 550 5.1.1 no)", ("delay", "b@example.net", None, 550, "5.1.1")),
        (f"{POSTFIX}to=<b@example.net>, orig_to=<a@example.com>, relay=none, dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.1]:25: Connection timed out)", ("delay", "b@example.net", "a@example.com", None, "4.4.1")),
        (f'{POSTFIX}to=<"a b"@example.net>, relay=local, dsn=2.0.0, status=sent (delivered to mailbox)', ("delivery", '"a b"@example.net', None, None, "2.0.0")),
        (f"{POSTFIX}to=<a@example.net>, relay=none, dsn=5.1.1, status=undeliverable (550 no such user)", ("bounce", "a@example.net", None, 550, "5.1.1")),
        ("Mar  9 12:00:00 mx postfix-out/smtp[9]: 4gYc7K1ZpMz2: to=<a@example.net>, dsn=5.0.0, status=bounced (550 no)", ("bounce", "a@example.net", None, 550, "5.0.0")),
        ("2026-03-09T12:00:00.5+01:00 mx postfix/lmtp[9]: A1B2C3D4: to=<a@example.net>, dsn=5.2.2, status=bounced (552 5.2.2 full)", ("bounce", "a@example.net", None, 552, "5.2.2")),
        (f"{EXIM}** a@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<a@example.net>: 550 5.1.1 no", ("bounce", "a@example.net", None, 550, "5.1.1")),
        (f"{EXIM}** b@example.net <a@example.com> R=dnslookup T=remote_smtp H=mx.example.net [2001:db8::1] X=TLS1.3: 550 no", ("bounce", "b@example.net", "a@example.com", 550, None)),
        (f"{EXIM}== a@example.net R=dnslookup T=remote_smtp defer (-44) H=mx.example.net [192.0.2.1]: 452 4.2.2 full", ("delay", "a@example.net", None, 452, "4.2.2")),
        (f'{EXIM}=> a@example.net R=dnslookup T=remote_smtp H=mx.example.net [192.0.2.1] C="250 2.0.0 OK"', ("delivery", "a@example.net", None, 250, "2.0.0")),
        (f"{EXIM}** |/bin/false -x <a@example.com> R=system_aliases T=address_pipe: Child process returned 1", ("bounce", "a@example.com", None, None, None)),
        ("2026-03-09 12:00:00 [77] 1tAbCd-000001-01 ** a@example.net: Unrouteable address", ("bounce", "a@example.net", None, None, None)),
        ("2026-03-09 12:00:00 +0100 1tAbCd-000001-01 ** a@example.net: Unrouteable address", ("bounce", "a@example.net", None, None, None)),
        ("Mar  9 12:00:00 mx exim[77]: 2026-03-09 12:00:00 1tAbCd-000001-01 ** a@example.net: Unrouteable address", ("bounce", "a@example.net", None, None, None)),
        ("Mar  9 12:00:00 mx exim[77]: 1tAbCd-000001-01 ** a@example.net: Unrouteable address", ("bounce", "a@example.net", None, None, None)),
        ("Mar  9 12:00:00 mx mail.info postfix/lmtp[9]: A1B2C3D4: to=<a@example.net>, dsn=5.2.2, status=bounced (552 5.2.2 full)", ("bounce", "a@example.net", None, 552, "5.2.2")),
        (f"{SENDMAIL}to=<a@example.net>, {RELAY}dsn=5.1.1, reply=550 5.1.1 no, stat=User unknown", ("bounce", "a@example.net", None, 550, "5.1.1")),
        (f"{SENDMAIL}to=<a@example.net>, ctladdr=<www@mx.example.com> (33/33), {RELAY}dsn=5.7.1, stat=User unknown", ("bounce", "a@example.net", None, None, "5.7.1")),
        (f"{SENDMAIL}to=a@example.net, {RELAY}dsn=4.2.2, stat=Deferred: 452 4.2.2 full", ("delay", "a@example.net", None, 452, "4.2.2")),
        (f"{SENDMAIL}to=<a@example.net>, {RELAY}dsn=4.4.1, stat=Deferred: Connection refused by mx.example.net.", ("delay", "a@example.net", None, None, "4.4.1")),
        (f"{SENDMAIL}to=<a@example.net>, delay=00:00:00, mailer=esmtp, pri=84367, dsn=4.4.3, stat=queued", ("delay", "a@example.net", None, None, "4.4.3")),
        (f"{SENDMAIL}to=<a@example.net>, {RELAY}dsn=2.0.0, stat=Sent (Ok: queued as 4gYd)", ("delivery", "a@example.net", None, None, "2.0.0")),
        (f"{SENDMAIL}to=<a@example.net>, {RELAY}dsn=5.1.1, reply=550 5.1.1 no, stat=Sent (ok), stat=User unknown", ("bounce", "a@example.net", None, 550, "5.1.1")),
        (f"{SENDMAIL}to=\"|/bin/sh -c 'exit 1, 2'\", ctladdr=<a@example.com> (1/0), delay=00:00:00, mailer=prog, pri=1, dsn=5.3.0, stat=unknown mailer error 1", ("bounce", "a@example.com", None, None, "5.3.0")),
        ("Mar  9 12:00:00 mx sendmail[9]: SAA15929: to=<a@example.net>, delay=00:00:10, mailer=esmtp, relay=mx.example.net. [192.0.2.1], stat=User unknown", ("bounce", "a@example.net", None, None, None)),
        ("Mar  9 12:00:00 mx sendmail[9]: [ID 801593 mail.info] 629C00Ab000009: to=<a@example.net>, delay=00:00:10, dsn=5.1.2, stat=Host unknown", ("bounce", "a@example.net", None, None, "5.1.2")),
        (f'{OPENSMTPD}to=<a@example.net> rcpt=<-> source="192.0.2.9" relay="192.0.2.1 (mx.example.net)" delay=1s result="PermFail" stat="550 5.1.1 no"', ("bounce", "a@example.net", None, 550, "5.1.1")),
        (f'{OPENSMTPD}to=<b@example.net> rcpt=<a@example.com> source="192.0.2.9" relay="192.0.2.1 (mx.example.net)" delay=1s result="TempFail" stat="452 4.2.2 full"', ("delay", "b@example.net", "a@example.com", 452, "4.2.2")),
        (f'{OPENSMTPD}to=<a@nosuch.example> rcpt=<-> source="-" relay="nosuch.example" delay=0s result="PermFail" stat="Domain does not exist"', ("bounce", "a@nosuch.example", None, None, None)),
        ('1f2e3d4c5b6a7988 mta event=delivery evpid=9eba2d37a5c2ae58 from=<> to=<a@example.net> rcpt=<-> source="-" relay="192.0.2.1 (<unknown>)" delay=1s result="Ok" stat="250 2.0.0: Ok"', ("delivery", "a@example.net", None, 250, "2.0.0")),
        ("Mar  9 12:00:00 mx smtpd[9]: 1f2e3d4c5b6a7988 mda delivery evpid=9eba2d37a5c2ae58 from=<b@lists.example.com> to=<a@example.com> rcpt=<a@example.com> user=a delay=0s result=Ok stat=Delivered", ("delivery", "a@example.com", None, None, None)),
        ('Mar  9 12:00:00 mx smtpd[9]: 1f2e3d4c5b6a7988 mda delivery evpid=9eba2d37a5c2ae58 from=<> to=<a@example.com> rcpt=<a@example.com> user=a delay=0s result=TempFail stat=Error (temporary failure: "mail.lmtp: LMTP server error: 452 4.2.2 full")', ("delay", "a@example.com", None, 452, "4.2.2")),
        ("Mar  9 12:00:00 mx transfer[9]: relay: PermFail for 9eba2d37a5c2ae58: from=b@lists.example.com, to=a@example.net, relay=192.0.2.1 (mx.example.net), delay=1s, stat=550 5.1.1 no", ("bounce", "a@example.net", None, 550, "5.1.1")),
    ],
)  # fmt: skip
def test_a_line_tells_of_a_recipient(line: str, said: tuple[object, ...]) -> None:
    assert brief(read(line)) == [said]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Mar  9 12:00:00 mx postfix/smtpd[9]: connect from mx.example.net[192.0.2.1]",
        f"{POSTFIX}removed",
        f"{POSTFIX}from=<b@lists.example.com>, size=512, nrcpt=1 (queue active)",
        f"{POSTFIX}to=<a@example.net>, dsn=2.1.5, status=deliverable (250 2.1.5 Ok)",
        "Mar  9 12:00:00 mx sshd[9]: 4gYc7K1ZpMz2: to=<a@example.net>, dsn=5.1.1, status=bounced (550 5.1.1 no)",
        f"{EXIM}Completed",
        f"{SENDMAIL}from=<b@lists.example.com>, size=512, class=-30, nrcpts=1, msgid=<m@lists.example.com>, proto=ESMTP, relay=localhost [127.0.0.1]",
        f"{SENDMAIL}629C00Ab000010: DSN: User unknown",
        f"{SENDMAIL}629C00Ab000010: DSN: Cannot send message for 5 days",
        f"{SENDMAIL}to=<a@example.net>, delay=00:00:00, mailer=esmtp, pri=30000, stat=queued",
        f"{SENDMAIL}to=<a@example.net>, delay=00:00:00, mailer=esmtp, pri=30000, quarantine=held, stat=quarantined",
        "Mar  9 12:00:00 mx sendmail[9]: STARTTLS=client, relay=mx.example.net., version=TLSv1.3, verify=FAIL",
        "Mar  9 12:00:00 mx smtpd[9]: 1f2e3d4c5b6a7988 smtp envelope evpid=9eba2d37a5c2ae58 from=<b@lists.example.com> to=<a@example.net>",
        "Mar  9 12:00:00 mx smtpd[9]: relay: Remove for 9eba2d37a5c2ae58: from=<b@lists.example.com>, to=<a@example.net>, rcpt=<->, delay=1s, stat=Removed by administrator",
        f"{EXIM}== a@example.net routing defer (-52): retry time not reached",
        "2026-03-09 12:00:00 SMTP connection from [192.0.2.1] lost",
        '{"type":"Reception","recipient":"a@example.net"}',
        '{"type":"Bounce","recipient":null}',
        '{"type":"Bounce","recipient"',
        "type,rcpt,dsnStatus",
        "Subject: 550 5.1.1 User unknown",
    ],
)
def test_a_line_that_tells_of_no_recipient_says_nothing(line: str) -> None:
    assert read(line) == []


def test_what_expired_in_postfix_is_told_of_each_recipient_that_waits_with_what_was_said_last() -> None:
    reports = read(
        "Mar  4 12:00:00 mx postfix/cleanup[7]: 4gYc: message-id=<digest.1@lists.example.com>",
        "Mar  4 12:00:00 mx postfix/smtp[9]: 4gYc: to=<a@example.net>, relay=none, dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.1]:25: Connection refused)",
        "Mar  4 12:00:00 mx postfix/smtp[9]: 4gYc: to=<b@example.net>, relay=none, dsn=4.2.2, status=deferred (452 4.2.2 full)",
        "Mar  4 13:00:00 mx postfix/smtp[9]: 4gYc: to=<b@example.net>, relay=none, dsn=2.0.0, status=sent (250 2.0.0 Ok)",
        "Mar  9 12:00:00 mx postfix/qmgr[8]: 4gYc: from=<b@lists.example.com>, status=expired, returned to sender",
    )
    assert brief(reports[3:]) == [("bounce", "a@example.net", None, None, "4.4.1")]
    assert [report.original.message_id for report in reports if report.original] == ["digest.1@lists.example.com"] * 4


def test_what_exim_gives_up_is_told_with_what_was_said_last() -> None:
    reports = read(
        f"{EXIM}== a@example.net R=dnslookup T=remote_smtp defer (-44) H=mx.example.net [192.0.2.1]: 452 4.2.2 full",
        f"{EXIM}== a@example.net routing defer (-52): retry time not reached",
        f"{EXIM}** a@example.net: retry timeout exceeded",
    )
    assert reports[-1].events[0].diagnostic == "452 4.2.2 full: retry timeout exceeded"
    assert brief(reports[1:]) == [("bounce", "a@example.net", None, 452, "4.2.2")]


def test_what_expired_in_sendmail_is_told_of_each_recipient_that_waits_with_what_was_said_last() -> None:
    reports = read(
        f"{SENDMAIL}from=<b@lists.example.com>, size=512, class=0, nrcpts=3, msgid=<digest.1@lists.example.com>, proto=ESMTP, relay=localhost [127.0.0.1]",
        f"{SENDMAIL}to=<a@example.net>,<b@example.net>, {RELAY}dsn=4.2.2, reply=452 4.2.2 full, stat=Deferred: 452 4.2.2 full",
        f"{SENDMAIL}to=<b@example.net>, [more], {RELAY}dsn=2.0.0, stat=Sent (Ok)",
        f"{SENDMAIL}629C00Ab000010: DSN: Warning: could not send message for past 4 hours",
        f"{SENDMAIL}629C00Ab000011: DSN: Cannot send message for 5 days",
    )
    assert brief(reports[3:]) == [("bounce", "a@example.net", None, 452, "4.2.2")]
    assert [report.original.message_id for report in reports if report.original] == ["digest.1@lists.example.com"] * 4


def test_what_expired_in_opensmtpd_is_told_with_what_was_said_last() -> None:
    reports = read(
        f'{OPENSMTPD}to=<a@example.net> rcpt=<-> source="-" relay="192.0.2.1 (mx.example.net)" delay=1s result="TempFail" stat="452 4.2.2 full"',
        "Mar 13 12:00:00 mx smtpd[9]: relay: Expire for 9eba2d37a5c2ae58: from=<b@lists.example.com>, to=<a@example.net>, rcpt=<->, delay=4d, stat=Envelope expired",
        "Mar 13 12:00:00 mx smtpd[9]: relay: Expire for 9eba2d37a5c2ae59: from=<b@lists.example.com>, to=<b@example.net>, rcpt=<->, delay=4d, stat=Envelope expired",
    )
    assert [(str(report.kind), report.events[0].diagnostic) for report in reports[1:]] == [("bounce", "452 4.2.2 full"), ("bounce", "Envelope expired")]


@pytest.mark.parametrize(
    ("told", "reason", "advice"),
    [
        ("dsn=5.1.1, reply=550 5.1.1 user unknown, stat=User unknown", "user-unknown", "suppress"),
        ("dsn=5.1.1, reply=550 relay not permitted, stat=User unknown", "relay-denied", "count"),
        ("dsn=5.1.1, reply=550-Mailbox unavailable, stat=User unknown", "user-unknown", "count"),
        ("dsn=5.1.1, reply=550-5.1.1 user unknown, stat=User unknown", "user-unknown", "suppress"),
        ("dsn=5.1.1, stat=User unknown", "user-unknown", "count"),
        ("dsn=5.1.3, stat=User unknown", "address-invalid", "count"),
        ("dsn=5.1.10, stat=User unknown", "user-unknown", "suppress"),
        ("dsn=5.7.1, stat=User unknown", "policy", "fix"),
        ("dsn=5.0.0, stat=Service unavailable", "undetermined", "count"),
    ],
)
def test_what_sendmail_calls_any_refusal_is_not_taken_for_what_was_said(told: str, reason: str, advice: str, engine: Engine) -> None:
    (report,) = read(f"{SENDMAIL}to=<a@example.net>, {RELAY}{told}")
    verdict = engine.judge(report).events[0].verdict
    assert (verdict.reason, verdict.advice) == (reason, advice)


def test_what_sendmail_s_own_mailer_does_not_know_is_unknown(engine: Engine) -> None:
    (report,) = read(f"{SENDMAIL}to=<a@example.net>, delay=00:00:00, xdelay=00:00:00, mailer=local, pri=30000, dsn=5.1.1, stat=User unknown")
    assert engine.judge(report).events[0].verdict.advice == "suppress"


@pytest.mark.parametrize(
    "line",
    [
        "Mar  9 12:00:00 mx sm-msp-queue[9]: 629C00Ab000009: to=<a@example.net>, ctladdr=www (33/33), delay=00:00:01, mailer=relay, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (629C00Ab000010 Message accepted for delivery)",
        f'{OPENSMTPD}to=<a@example.net> rcpt=<-> source="127.0.0.1" relay="127.0.0.1 (localhost)" delay=0s result="Ok" stat="250 2.0.0: f6e94209 Message accepted for delivery"',
    ],
)
def test_what_was_handed_to_a_server_on_this_host_is_not_yet_delivered(line: str) -> None:
    assert [report.events[0].action for report in read(line)] == ["relayed"]


@pytest.mark.parametrize(
    ("attempts", "other"),
    [
        ([f'{OPENSMTPD}to=<a@example.net> rcpt=<-> source="-" relay="192.0.2.1 (mx.example.net)" delay={delay} result="TempFail" stat="452 4.2.2 full"' for delay in ("1s", "9m")], ("9eba2d37", "9eba2d38")),
        ([f"{SENDMAIL}to=<a@example.net>, {RELAY}dsn=4.2.2, stat=Deferred: 452 4.2.2 full {number}" for number in (1, 2)], ("629C00Ab000009", "629C00Ab000010")),
        ([f"{POSTFIX}to=<a@example.net>, delay={delay}, dsn=4.2.2, status=deferred (452 4.2.2 full {delay})" for delay in (1, 2)], ("4gYc7K1ZpMz2", "4gYc7K1ZpMz3")),
        ([f"{EXIM}== a@example.net R=dnslookup T=remote_smtp defer (-44): 452 4.2.2 full {number}" for number in (1, 2)], ("1tAbCd", "1tAbCe")),
    ],
)  # fmt: skip
def test_two_attempts_of_one_mail_are_one_event_also_where_its_message_id_is_not_known(attempts: list[str], other: tuple[str, str]) -> None:
    first, again, another = (event_key(report, report.events[0]) for report in read(*attempts, attempts[0].replace(*other)))
    assert first == again != another


def test_journald_has_entries_of_several_programs() -> None:
    said = {"postfix/smtp": POSTFIX, "sm-mta": SENDMAIL, "smtpd": OPENSMTPD}
    texts = {
        "postfix/smtp": "to=<a@example.net>, dsn=5.1.1, status=bounced (550 5.1.1 no)",
        "sm-mta": f"to=<a@example.net>, {RELAY}dsn=5.1.1, reply=550 5.1.1 no, stat=User unknown",
        "smtpd": 'to=<a@example.net> rcpt=<-> source="-" relay="192.0.2.1 (mx.example.net)" delay=1s result="PermFail" stat="550 5.1.1 no"',
    }
    entries = [{"__REALTIME_TIMESTAMP": "1773057600000000", "_HOSTNAME": "mx", "SYSLOG_IDENTIFIER": name, "MESSAGE": said[name].partition("]: ")[2] + text} for name, text in texts.items()]
    reports = read(*(json.dumps(entry) for entry in entries), dialect="journald")
    assert [report.format for report in reports] == ["postfix-log", "sendmail-log", "opensmtpd-log"]
    assert {event.recipient for report in reports for event in report.events} == {"a@example.net"}


def test_exim_spells_out_octets_and_is_read_as_they_are() -> None:
    (report,) = read(f"{EXIM}** a@example.net: 550-5.1.1 \\320\\237\\320\\276\\320\\273\\321\\214\\320\\267\\320\\276\\n550 5.1.1 a\\\\b")
    assert report.events[0].diagnostic == "550-5.1.1 Польз\u043e 550 5.1.1 a\\b"


def test_an_alias_that_was_handed_on_within_our_own_server_is_no_delivery_to_the_person() -> None:
    (report,) = read(f"{POSTFIX}to=<a@example.net>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4gYd)")
    assert report.events[0].action == "relayed"


@pytest.mark.parametrize(
    ("line", "dialect"),
    [
        (f"{POSTFIX}removed", "postfix"),
        ("Mar  9 12:00:00 mx postfix/smtpd[9]: connect from mx.example.net[192.0.2.1]", "postfix"),
        (f"{EXIM}Completed", "exim"),
        (f"{SENDMAIL}629C00Ab000010: DSN: User unknown", "sendmail"),
        (f"Mar  9 12:00:00 mx mta-out[9]: 629C00Ab000009: to=<a@example.net>, {RELAY}dsn=2.0.0, stat=Sent (queued)", "sendmail"),
        ("Mar  9 12:00:00 mx smtpd[9]: info: OpenSMTPD 6.8.0p2 starting", "opensmtpd"),
        ("Mar  9 12:00:00 mx smtpd[9]: 1f2e3d4c5b6a7988 smtp connected address=127.0.0.1 host=localhost", "opensmtpd"),
        ("Mar  9 12:00:00 mx postfix/sendmail[9]: fatal: usage: sendmail [options]", "postfix"),
        ("type,timeLogged,orig,rcpt,dsnStatus", "powermta"),
        ('{"type":"Bounce","id":"1","recipient":"a@example.net"}', "kumomta"),
        ('{"__REALTIME_TIMESTAMP":"1","MESSAGE":"x"}', "journald"),
        ('{"notificationType":"Bounce"}', None),
        ("Mar  9 12:00:00 mx sshd[9]: Accepted publickey", None),
        ("From: a@example.com", None),
    ],
)
def test_the_dialect_is_known_by_the_line(line: str, dialect: str | None) -> None:
    assert dialect_of([line]) == dialect


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("Mar  9 12:00:00 mx", datetime(2026, 3, 9, 12, tzinfo=UTC)),
        ("Mar 11 12:00:00 mx", datetime(2025, 3, 11, 12, tzinfo=UTC)),
        ("Dec 31 23:59:60 mx", datetime(2025, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Feb 29 12:00:00 mx", None),
        ("2026-03-09 12:00:00 x", datetime(2026, 3, 9, 12, tzinfo=UTC)),
        ("2026-03-09T12:00:00.123456789Z x", datetime(2026, 3, 9, 12, 0, 0, 123456, tzinfo=UTC)),
        ("2026-03-09T12:00:00+01:00 x", datetime(2026, 3, 9, 11, tzinfo=UTC)),
        ("2026-03-09 12:00:00 -0530 x", datetime(2026, 3, 9, 17, 30, tzinfo=UTC)),
        ("2026-13-09 12:00:00 x", None),
        ("Foo  9 12:00:00 mx", None),
        ("x", None),
    ],
)
def test_a_stamp_is_read(text: str, at: datetime | None) -> None:
    assert read_stamp(text, NOW)[0] == at


MEND = st.sampled_from([POSTFIX, EXIM, SENDMAIL, OPENSMTPD, "to=<a@example.net>, delay=1, dsn=5.1.1, reply=550-", ", stat=User unknown", "DSN: Cannot send message", 'result="PermFail" stat="', "relay: Expire for 9eba2d37a5c2ae58: ", "type,rcpt,dsnStatus,dsnDiag\n", '{"type":"Bounce","recipient":"a@example.net","response":', "to=<a@example.net>, status=bounced (", "** ", "== ", " defer (", "\\377", '"'])


@given(dialect=st.sampled_from([None, *DIALECTS]), lines=st.lists(st.one_of(st.binary(max_size=200), st.lists(st.one_of(MEND, st.text(max_size=20))).map(lambda parts: "".join(parts).encode("utf-8", "replace"))), max_size=6))
def test_any_octets_are_a_line(dialect: str | None, lines: list[bytes]) -> None:
    reader = LogReader(dialect)
    for line in lines:
        assert isinstance(reader.read(line, NOW), list)


@given(record=st.dictionaries(st.sampled_from(["type", "recipient", "response", "peer_address", "headers", "timestamp", "id", "sender", "MESSAGE", "SYSLOG_IDENTIFIER"]), st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["Bounce", "postfix/smtp"]), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["code", "enhanced_code", "content", "command", "class", "name"]), inner, max_size=4))))
def test_any_json_is_a_line(record: dict[str, object]) -> None:
    for dialect in ("kumomta", "journald"):
        assert isinstance(LogReader(dialect).read(json.dumps(record).encode(), NOW), list)
