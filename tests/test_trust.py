from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import dkim
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bounceclass.engine import Engine
from bounceclass.errors import SettingsError
from bounceclass.model import Event, Kind, Original, Report, Trust
from bounceclass.protocols import Item, Voucher
from bounceclass.settings import Settings, TrustSettings
from bounceclass.tags import Addressee, Key, fingerprint, make_tag, tagged
from bounceclass.trust import Assessor, Lookups, Standing, gaps, highest
from bounceclass.wrapping import authenticated_domains

KEY: Final = Key(id=3, secret=b"the secret of a test")
TODAY: Final = date(2026, 3, 9)
RUTH: Final = "ruth@example.net"
MALLORY: Final = "mallory@example.org"
PATH: Final = "garden-bounces@lists.example.com"
OURS: Final = tagged(PATH, RUTH, KEY, TODAY)
TAG: Final = make_tag(RUTH, KEY, TODAY)
HERE: Final = "Received: by mail.example.com (Postfix) id 233F31AD; Mon, 09 Mar 2026 08:00:00 +0000 (UTC)"
OUTSIDE: Final = (
    "Received: from mx.example.org (mx.example.org [198.51.100.7])\n\tby mx.example.com (Postfix) with ESMTPS id 4gYc; Mon, 09 Mar 2026 08:00:01 +0000 (UTC)"
)
PRIVATE: Final = """\
-----BEGIN RSA PRIVATE KEY-----
MIICXAIBAAKBgQDRPAwQAAlaGPMyKwvwFAMlNSrRF4suxAogll3/tjNafO/vEAHx
Ioec/FaNrqSO04W+/YfWSXqYvDjGS4dBsRQuiH5bY1aBscUc3vJwmSR0bB/EOOrZ
vcP4NfXnFgJmKgTmLNPCezwf8uFn7hYqwJGV9M4R9l82B2mv2n2MHrHDGwIDAQAB
AoGALsCwIVMgw9UXYnpj7H1MRqAetSIBo62CZc2zq1PXHb0VD+IPzQXeL6Hi5T3E
33U8SXT1SViZ4E8OkKCH1JHw5B07x4wA1hv8vOzdBwhqQp/3tZseYWdhGzmK4Uox
9elq+3kxzT3UbK9KiQxaKqpO99jeUEngKLDcSzklqzOzjAECQQD5Yxd0cpSd1P4I
pL8gbFG+8EIpMG5ImxuQxgrAP9gutFyZHtppbfrjkmqYU8BbM/hxykK60rFJP62r
fsfaGl6bAkEA1shjnRHmj3KoJO+21KZSL/oOkFKj23zeIyhCVq6frxRQuU4Anr9Y
q5t7pCkVoxT+gJmAWj0bfGqMitzYqZY1gQJBANB85A3pAI/Wka2eNV6gz9Jlv5n5
sCko6umkdzZz6YJaLJOiNIwxcq6wKEdCtSxKDWjr48+V9rq67rDRo7iVlQMCQCem
2RUPT/Rdo4MmKie6CORIktW8G/oSZGQzM4QTOvG0m26KYvzrsHAGBV56Iz93ScDu
Fc8TBvcCKK4eNXWhgIECQBSUN8RbeyoEMqBhKHWRrLYZ6zvEQ8N6ehL0zoppbtIl
OpEaWZdMt79F+yXxGnNYBzWtILHr2y5i2mGnG4YDiS4=
-----END RSA PRIVATE KEY-----
"""
PUBLIC: Final = (
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDRPAwQAAlaGPMyKwvwFAMlNSrRF4suxAogll3/tjNafO/vEAHxIoec/FaNrqSO"
    "04W+/YfWSXqYvDjGS4dBsRQuiH5bY1aBscUc3vJwmSR0bB/EOOrZvcP4NfXnFgJmKgTmLNPCezwf8uFn7hYqwJGV9M4R9l82B2mv"
    "2n2MHrHDGwIDAQAB"
)  # fmt: skip
ENGINE: Final = Engine(Settings(own_hosts=("mail.example.com", "mx.example.com")))
TRUST: Final = TrustSettings(
    domains=("lists.example.com",),
    own_networks=("192.0.2.0/28",),
    dkim_keys={"S1._domainkey.lists.example.com": f"v=DKIM1; k=rsa; p={PUBLIC}"},
    authserv_ids=("mx.example.com",),
    feedback_sources=("postbox.example", "staff@everybody.example"),
)
ASSESSOR: Final = Assessor(ENGINE.settings, TRUST, (KEY,))
BARE: Final = Assessor(ENGINE.settings, TrustSettings())


def returned(path: str = PATH, message_id: str = "digest.1@lists.example.com", sender: str = "garden@lists.example.com", extra: str = "") -> str:
    return f"{extra}Return-Path: <{path}>\nFrom: Garden <{sender}>\nTo: {RUTH}\nSubject: Digest\nMessage-ID: <{message_id}>\n"


def dsn(
    final: str | None = RUTH,
    *,
    top: str = OUTSIDE,
    to: str = PATH,
    original: str | None = None,
    orcpt: str | None = None,
    mta: str = "mx.example.org",
    envid: str | None = None,
    queue: str | None = None,
    more: str = "",
) -> bytes:
    about = f"Reporting-MTA: dns; {mta}\n" + (f"Original-Envelope-Id: {envid}\n" if envid else "") + (f"X-Postfix-Queue-ID: {queue}\n" if queue else "")
    group = (f"Final-Recipient: rfc822; {final}\n" if final else "") + (f"Original-Recipient: rfc822; {orcpt}\n" if orcpt else "")
    return f"""{top}
From: Mail Delivery System <mailer-daemon@mx.example.org>
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not work.
--b
Content-Type: message/delivery-status

{about}
{group}Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user
{more}
--b
Content-Type: text/rfc822-headers

{returned() if original is None else original}
--b--
""".encode()


def arf(top: str, original: str, named: str | None = None) -> bytes:
    return f"""{top}
From: Feedback <feedback@postbox.example>
To: fbl@lists.example.com
Subject: complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A reader pressed a button.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Postbox/1
Version: 1
{f"Original-Rcpt-To: {named}" if named else "Source-IP: 192.0.2.53"}

--b
Content-Type: message/rfc822

{original}
Hello
--b--
""".encode()


def leave(to: str) -> bytes:
    return f"{OUTSIDE}\nFrom: Mallory <{MALLORY}>\nTo: {to}\nSubject: unsubscribe\nMessage-ID: <1@example.org>\n\n".encode()


def assess(raw: bytes, recipient: str | None = None, *, assessor: Assessor = ASSESSOR, now: date = TODAY, **lookups: Any) -> tuple[Standing, ...]:
    item = Item(raw=raw, source="x", recipient=recipient)
    return assessor.assess(ENGINE.classify(raw), item, now, Lookups(**lookups))


def one(raw: bytes, recipient: str | None = None, **options: Any) -> Standing:
    found = assess(raw, recipient, **options)
    assert len(found) == 1
    return found[0]


def seen(found: Standing) -> tuple[str, str | None, bool, tuple[str, ...]]:
    return found.grade.value, found.recipient, found.forwarded, found.alarms


def changed(address: str) -> str:
    tag = address.partition("+")[2].partition("@")[0]
    return address.replace(tag, tag[:10] + ("a" if tag[10] != "a" else "b") + tag[11:])


AUTHENTIC: Final = f"Authentication-Results: mx.example.com; dkim=pass header.d=postbox.example\n{OUTSIDE}"
TAGGED: Final = returned(OURS)
LATE: Final = tagged(PATH, RUTH, KEY, TODAY - timedelta(days=31))
EARLY: Final = tagged(PATH, RUTH, KEY, TODAY + timedelta(days=3))
FORGED_KEY: Final = tagged(PATH, RUTH, Key(id=3, secret=b"not the secret we have"), TODAY)

FORGERIES: Final = {
    "a forged tag": (dsn(to=FORGED_KEY, original="Subject: x\n"), FORGED_KEY, ("tag-forged",)),
    "one character changed": (dsn(to=changed(OURS), original="Subject: x\n"), changed(OURS), ("tag-forged",)),
    "an expired tag": (dsn(to=LATE, original="Subject: x\n"), LATE, ("tag-expired",)),
    "a tag from the future": (dsn(to=EARLY, original="Subject: x\n"), EARLY, ("tag-from-the-future",)),
    "a forged Final-Recipient under a forged tag": (dsn(MALLORY, to=changed(OURS), original="Subject: x\n"), None, ("tag-forged",)),
    "a forged Message-ID": (
        dsn(
            original=returned(message_id="guessed@lists.example.com", sender="x@example.org", path="x@example.org").replace(
                "@lists.example.com", "@example.org"
            )
        ),
        None,
        (),
    ),
    "a forged Reporting-MTA through our MX": (dsn(mta="mail.example.com", original="Subject: x\n"), None, ("own-mta-from-outside",)),
    "the same below a line that it wrote itself": (
        dsn(mta="mail.example.com", top=f"{OUTSIDE}\n{HERE}", original="Subject: x\n"),
        None,
        ("own-mta-from-outside",),
    ),
    "a forged queue id": (dsn(mta="mail.example.com", queue="233F31AD", original="Subject: x\n"), None, ("own-mta-from-outside",)),
    "a forged unsigned VERP": (dsn(MALLORY, to="garden-bounces+ruth=example.net@lists.example.com"), None, ("verp-differs",)),
    "a forged ARF": (arf(OUTSIDE, returned(), RUTH), None, ("source-unproved",)),
    "a forged ARF with a tag that leaked": (arf(OUTSIDE, TAGGED, RUTH), None, ("source-unproved",)),
    "a forged ARF with results of its own": (
        arf(f"{OUTSIDE}\nReceived: from a by b.example.org\nAuthentication-Results: mx.example.com; dkim=pass header.d=postbox.example", TAGGED, RUTH),
        None,
        ("source-unproved",),
    ),
    "an ARF of another authserv-id": (arf(AUTHENTIC.replace("mx.example.com; dkim", "mx.example.org; dkim"), TAGGED), None, ("source-unproved",)),
    "an ARF of somebody we don't know": (arf(AUTHENTIC.replace("postbox.example", "example.org"), TAGGED), None, ("source-unproved",)),
    "an ARF that failed": (arf(AUTHENTIC.replace("=pass", "=fail"), TAGGED), None, ("source-unproved",)),
    "a true ARF without tag, and no log": (arf(AUTHENTIC, returned(), RUTH), None, ()),
    "an unsubscribe without a tag": (leave("garden-leave@lists.example.com"), None, ()),
    "an unsubscribe with a forged tag": (leave(changed(OURS)), None, ("tag-forged",)),
    "a report of a host that nobody knows": (dsn(original="Subject: x\n"), None, ()),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_read_and_nothing_ties_it_to_us(name: str) -> None:
    raw, recipient, alarms = FORGERIES[name]
    assert ENGINE.classify(raw).events
    found = one(raw, recipient, bounced=lambda queue, who: (queue, who) == ("4AB", RUTH), sent=lambda _, __: None)
    assert (found.grade, found.alarms) == (Trust.NONE, alarms)


def test_a_tag_acts_on_whom_it_names_wherever_it_stands() -> None:
    for raw, recipient in (
        (dsn(), OURS),
        (dsn(to=OURS), None),
        (dsn(top=f"Delivered-To: {OURS}\n{OUTSIDE}"), None),
        (dsn(top=f"X-Original-To: {OURS.upper()}\n{OUTSIDE}"), None),
        (dsn(top=f"References: <{TAG}.1@lists.example.com>\n{OUTSIDE}", original="Subject: x\n"), None),
        (dsn(envid=f"{TAG}.77aa"), None),
        (dsn(original=TAGGED), None),
        (dsn(original=returned(f"prvs=4123ABCDEF={OURS}")), None),
        (dsn(original=returned(f"SRS0=HHHH=TT=lists.example.com={OURS.partition('@')[0]}@fwd.test")), None),
        (dsn(original=returned(message_id=f"{TAG}.1@lists.example.com")), None),
        (dsn(original=returned(extra=f"List-Unsubscribe: <mailto:leave+{TAG}@lists.example.com>\n")), None),
        (dsn(original=returned(extra=f"References: <{TAG}.1@lists.example.com>\n")), None),
    ):
        assert seen(one(raw, recipient)) == ("signed", RUTH, False, ())


@pytest.mark.parametrize("kind", ["plain", "of a mail that names nobody"])
def test_who_is_named_does_not_matter_under_a_valid_tag(kind: str) -> None:
    named = MALLORY if kind == "plain" else None
    assert seen(one(dsn(named, original="Subject: x\n"), OURS)) == ("signed", RUTH, named is not None, ())


def test_a_tag_that_is_replayed_for_somebody_else_counts_for_its_own_only() -> None:
    found = one(dsn(MALLORY, original=returned(message_id="x@example.org", path="x@example.org", sender="x@example.org")), OURS)
    assert seen(found) == ("signed", RUTH, True, ())


def test_of_a_report_about_two_the_tag_speaks_of_its_own_only() -> None:
    raw = dsn(original="Subject: x\n", more=f"\nFinal-Recipient: rfc822; {MALLORY}\nAction: failed\nStatus: 5.1.1\n")
    assert [seen(found)[:3] for found in assess(raw, OURS)] == [("signed", RUTH, False), ("none", None, False)]


def test_a_forward_is_seen_behind_the_original_recipient_too() -> None:
    assert seen(one(dsn("ruth@example.org", orcpt=RUTH), OURS)) == ("signed", RUTH, True, ())
    assert seen(one(dsn("ruth", orcpt=RUTH), OURS)) == ("signed", RUTH, False, ())


def test_two_tags_that_disagree_are_told_and_the_envelope_counts() -> None:
    other = tagged(PATH, "moll@example.org", KEY, TODAY)
    assert seen(one(dsn(original=returned(other)), OURS)) == ("signed", RUTH, False, ("tags-disagree",))


def test_a_tag_under_which_many_are_named_is_told() -> None:
    before = [f"{name}@example.org" for name in "abc"]
    assert seen(one(dsn(), OURS, named=lambda _: before)) == ("signed", RUTH, False, ("tag-shared",))
    assert seen(one(dsn(), OURS, named=lambda _: before[:2])) == ("signed", RUTH, False, ())


def test_a_fingerprint_needs_the_look_up() -> None:
    long = f"{'r' * 50}@example.net"
    path = tagged(PATH, long, KEY, TODAY, stream="fen")
    known = {fingerprint(long, "fen"): Addressee(long, "fen")}.get
    assert one(dsn(long, original="Subject: x\n"), path).grade is Trust.NONE
    found = one(dsn(long, original="Subject: x\n"), path, addressee=known)
    assert (found.grade, found.recipient, found.stream) == (Trust.SIGNED, long, "fen")


OWN: Final = {
    "Postfix": HERE,
    "delivered on by us": f"Received: from mail.example.com (mail.example.com [192.0.2.3])\n\tby mx.example.com (Postfix) with ESMTP id 1; x\n{HERE}",
    "over the loopback": f"Received: from localhost (localhost [127.0.0.1]) by mail.example.com (Postfix) with ESMTP id 1; x\n{HERE}",
    "Exim": "Received: from Debian-exim by mail.example.com with local (Exim 4.96)\n\tid 1xWPaq-00001b-1h for x; x",
    "Sendmail": "Received: from localhost (localhost)\n\tby mail.example.com (8.17.1.9/8.17.1.9) id 6AQ2qFE5000111; x",
    "Courier": "Received: from localhost (localhost [127.0.0.1])\n  (ftp://ftp.isi.edu/in-notes/rfc1894.txt)\n  by mail.example.com with dsn\n  id 1; x",
    "OpenSMTPD": "Received: from mail.example.com (mail.example.com [local])\n\tby mail.example.com (OpenSMTPD) with ESMTPA id 1; x",
    "DragonFly": "Received: from MAILER-DAEMON\n\tid 40\n\tby mail.example.com (DragonFly Mail Agent v0.13); x",
    "qmail": "Received: (qmail 4711 invoked for bounce); 9 Mar 2026 08:00:00 -0000",
    "Haraka": "Received: (Haraka outbound); Mon, 09 Mar 2026 08:00:00 +0000",
}
FOREIGN: Final = {
    "through our MX": OUTSIDE,
    "nothing": "X-Nothing: here",
    "HELO of ours": "Received: from mail.example.com (unknown [198.51.100.7]) by mx.example.com (Postfix) with ESMTP id 1; x",
    "HELO is our address": "Received: from [127.0.0.1] (unknown [198.51.100.7]) by mx.example.com (Postfix) with ESMTP id 1; x",
    "HELO is our address, Exim": "Received: from [198.51.100.7] (helo=[127.0.0.1]) by mx.example.com with esmtp (Exim 4.96) id 1; x",
    "HELO is localhost": "Received: from localhost (localhost) by mx.example.com with ESMTP id 1; x",
    "HELO is a user": "Received: from MAILER-DAEMON by mx.example.com with SMTP id 1; x",
    "HELO holds a host of ours": "Received: from x by mail.example.com (unknown [198.51.100.7]) by mx.example.com with ESMTP id 1; x",
    "a local user": "Received: by mail.example.com (Postfix, from userid 33)\n\tid 1; x",
    "a local user, Exim": "Received: from www-data by mail.example.com with local (Exim 4.96) id 1; x",
    "another's provider": "Received: by 2001:db8::1 with SMTP id 1; x",
    "another host, made there": "Received: by mx.example.org (Postfix) id 1; x",
    "ours below theirs": f"{OUTSIDE}\n{HERE}",
    "theirs below ours": f"{HERE}\n{OUTSIDE}",
    "no address": "Received: from mx.example.org by mx.example.com id 1; x",
    "an address that is none": "Received: from x ([999.1.1.1]) by mx.example.com id 1; x",
}


@pytest.mark.parametrize("name", OWN)
def test_a_report_that_our_own_mta_made_is_known_by_its_way(name: str) -> None:
    assert seen(one(dsn(top=OWN[name], mta="mail.example.com"))) == ("own-mta", RUTH, False, ())


@pytest.mark.parametrize("name", FOREIGN)
def test_a_report_that_came_from_outside_is_not_our_own(name: str) -> None:
    found = one(dsn(top=FOREIGN[name], mta="mail.example.com", original="Subject: x\n"))
    assert seen(found) == ("none", None, False, ("own-mta-from-outside",))


def test_a_report_of_our_own_mta_is_known_by_the_queue_id_in_its_log_too() -> None:
    raw = dsn(mta="mail.example.com", queue="4AB", original="Subject: x\n")
    assert seen(one(raw, bounced=lambda queue, who: (queue, who) == ("4AB", RUTH))) == ("own-mta", RUTH, False, ())


def test_a_report_of_another_mta_is_not_our_own_however_it_came() -> None:
    assert one(dsn(top=HERE, original="Subject: x\n")).grade is Trust.NONE


def test_our_own_mta_s_word_is_about_the_original_recipient() -> None:
    assert seen(one(dsn("ruth@example.org", orcpt=RUTH, top=HERE, mta="mail.example.com"))) == ("own-mta", RUTH, True, ())


def test_the_sent_log_knows_an_id_and_whom_it_was_given_to() -> None:
    log = {"digest.1@lists.example.com": RUTH, "envid-7": RUTH}

    def sent(found: str, who: str | None) -> str | None:
        return log.get(found) if who in {None, log.get(found)} else None

    assert seen(one(dsn(), sent=sent)) == ("known", RUTH, False, ())
    assert seen(one(dsn(None), sent=sent)) == ("known", RUTH, False, ())
    assert seen(one(dsn(envid="envid-7", original="Subject: x\n"), sent=sent)) == ("known", RUTH, False, ())
    assert seen(one(dsn(MALLORY), sent=sent)) == ("plausible", MALLORY, False, ())
    assert seen(one(dsn(MALLORY), sent=lambda _, __: RUTH)) == ("plausible", MALLORY, False, ()), "a log that does not compare"


def signed(headers: str, covered: tuple[str, ...] = ("from", "to", "subject", "message-id")) -> str:
    mail = headers.replace("\n", "\r\n").encode() + b"\r\nHello\r\n"
    field: bytes = dkim.sign(mail, b"s1", b"lists.example.com", PRIVATE.encode(), include_headers=[name.encode() for name in covered])
    return (field.decode() + headers).replace("\r\n", "\n")


def test_our_signature_proves_the_recipient_that_it_covers_though_the_body_is_gone() -> None:
    mail = returned("x@example.org")
    assert seen(one(dsn(original=signed(mail)))) == ("dkim", RUTH, False, ())
    for other in (
        signed(mail, ("from", "subject")),
        signed(mail).replace("To: ruth@", "To: mallory@"),
        signed(mail).replace("Subject: Digest", "Subject: digest 2"),
        f"To: {RUTH}\n" + signed(mail),
        signed(mail.replace(f"To: {RUTH}", f"To: {RUTH}, {MALLORY}")),
        signed(mail.replace(f"To: {RUTH}", f'To: "{RUTH}" <{MALLORY}>')),
        signed(mail.replace(f"To: {RUTH}", "To: garden@lists.example.com")),
        signed(mail).replace("s=s1", "s=s2"),
    ):
        assert one(dsn(original=other)).grade is Trust.PLAUSIBLE


@given(st.binary(max_size=300) | st.text("v=1; a=rsa-sha256 bhdst\r\n:/,@", max_size=200).map(str.encode))
def test_no_signature_raises(junk: bytes) -> None:
    raw = dsn(original="DKIM-Signature: v=1; JUNK\n" + returned()).replace(b"JUNK", junk)
    assert all(found.grade in {Trust.PLAUSIBLE, Trust.NONE} for found in assess(raw))


def test_what_looks_like_ours_is_plausible_and_no_more() -> None:
    assert seen(one(dsn())) == ("plausible", RUTH, False, ())
    assert seen(one(dsn(), "garden-bounces+ruth=example.net@lists.example.com")) == ("plausible", RUTH, False, ())
    assert one(dsn(), assessor=BARE).grade is Trust.NONE


def test_a_complaint_is_believed_of_a_known_source_about_whom_the_tag_names() -> None:
    assert seen(one(arf(AUTHENTIC, TAGGED))) == ("signed", RUTH, False, ())
    assert seen(one(arf(AUTHENTIC, TAGGED, MALLORY))) == ("signed", RUTH, True, ())
    assert seen(one(arf(AUTHENTIC, returned()), sent=lambda found, _: RUTH if found == "digest.1@lists.example.com" else None)) == ("known", RUTH, False, ())


def test_tags_hold_longer_for_complaints_and_unsubscribes() -> None:
    late = TODAY + timedelta(days=180)
    assert one(arf(AUTHENTIC, TAGGED), now=late).grade is Trust.SIGNED
    assert one(arf(AUTHENTIC, TAGGED), now=late + timedelta(days=1)).alarms == ("tag-expired",)
    assert one(leave(OURS), now=late).grade is Trust.SIGNED
    assert one(dsn(), OURS, now=late).alarms == ("tag-expired",)


def test_an_unsubscribe_is_of_whom_the_tag_names_and_no_forward() -> None:
    assert seen(one(leave(OURS))) == ("signed", RUTH, False, ())


RESULTS: Final = {
    "mx.example.com; dkim=pass header.d=postbox.example": {"postbox.example"},
    "MX.example.com 1; dkim=pass (2048-bit key) header.d=Postbox.Example header.i=@postbox.example": {"postbox.example"},
    "mx.example.com; spf=pass smtp.mailfrom=fbl@postbox.example": {"postbox.example"},
    "mx.example.com; dmarc=pass header.from=postbox.example": {"postbox.example"},
    "mx.example.com; dkim = pass header.d = postbox.example": {"postbox.example"},
    "mx.example.com; dkim=fail header.d=postbox.example": set(),
    "mx.example.com; none": set(),
    "mx.example.com; spf=pass smtp.helo=postbox.example": set(),
    'mx.example.com; spf=fail smtp.mailfrom="x; dkim=pass header.d=postbox.example "@example.org': set(),
    "mx.example.com; spf=fail (x; dkim=pass header.d=postbox.example) smtp.mailfrom=example.org": set(),
    "mx.example.com; spf=fail (x (y); dkim=pass header.d=postbox.example) smtp.mailfrom=example.org": set(),
    "mx.example.com; spf=fail (x\\); dkim=pass header.d=postbox.example) smtp.mailfrom=example.org": set(),
    'mx.example.com; spf=fail reason="x; dkim=pass header.d=postbox.example': set(),
    "mx.example.com (x; dkim=pass header.d=postbox.example": set(),
    "mx.example.com ); dkim=pass header.d=postbox.example": set(),
    "mx.example.org; dkim=pass header.d=postbox.example": set(),
    "": set(),
    ";=;": set(),
}


@pytest.mark.parametrize("value", RESULTS)
def test_authentication_results_are_read_as_their_grammar_says(value: str) -> None:
    assert authenticated_domains([("authentication-results", value)], ("mx.example.com",), ()) == RESULTS[value]


def test_of_two_results_about_one_method_the_topmost_counts() -> None:
    fields = [
        ("authentication-results", f"mx.example.com; dkim={result} header.d={domain}") for result, domain in (("none", "a.example"), ("pass", "b.example"))
    ]
    assert authenticated_domains(fields, ("mx.example.com",), ()) == set()


@given(st.text(max_size=200) | st.text('()"\\;= dkimpas.', max_size=100))
def test_no_authentication_results_raise(value: str) -> None:
    assert authenticated_domains([("authentication-results", value)], ("mx.example.com",), ()) == set()


@pytest.mark.parametrize(
    ("sender", "grade"),
    [("staff@everybody.example", "signed"), ("mallory@everybody.example", "none"), ("staff@everybody.example <m@everybody.example>", "none")],
)
def test_a_source_may_be_one_address_where_anybody_has_one_in_the_domain(sender: str, grade: str) -> None:
    raw = arf(AUTHENTIC.replace("postbox.example", "everybody.example"), TAGGED).replace(b"Feedback <feedback@postbox.example>", sender.encode())
    assert one(raw).grade == grade


def test_the_highest_grade_is_the_report_s() -> None:
    assert highest([]) is Trust.NONE
    assert highest([one(dsn()), one(dsn(), OURS), one(dsn(original="Subject: x\n"))]) is Trust.SIGNED


def test_what_is_not_configured_is_told_with_what_it_costs() -> None:
    assert [what.partition(":")[0] for what in gaps(Settings(), TrustSettings())] == ["keys", "own_hosts", "domains", "authserv_ids and feedback_sources"]
    with pytest.raises(SettingsError, match="own_networks"):
        Assessor(Settings(), TrustSettings(own_networks=("example.com",)))


@hypothesis_settings(max_examples=60)
@given(st.binary(max_size=400), st.sampled_from(sorted(FORGERIES)), st.integers(0, 1500), st.text(max_size=60))
def test_no_bytes_raise_and_none_are_believed(junk: bytes, name: str, place: int, recipient: str) -> None:
    raw = FORGERIES[name][0]
    raw = raw[:place] + junk + raw[place:]
    assert {found.grade for found in assess(raw, recipient)} <= {Trust.NONE, Trust.PLAUSIBLE}


def test_a_report_about_thousands_is_assessed_whole() -> None:
    groups = "".join(f"\nFinal-Recipient: rfc822; u{number}@example.org\nAction: failed\nStatus: 5.1.1\n" for number in range(4000))
    found = assess(dsn(more=groups, original=signed(returned("x@example.org"))), OURS)
    assert [one.grade.value for one in found] == ["signed"] + 4000 * ["plausible"]


def test_other_mail_has_no_standing() -> None:
    raw = b"From: a@example.org\nTo: b@example.com\nSubject: lunch\n\nAt noon?\n"
    assert ENGINE.classify(raw).kind is Kind.OTHER
    assert assess(raw, OURS) == ()


PAYLOAD: Final = Report(
    kind=Kind.BOUNCE,
    events=(Event(kind=Kind.BOUNCE, recipient=RUTH, diagnostic="550 5.1.1 user unknown", reply_code=550, enhanced_status="5.1.1"),),
    original=Original(message_id="digest.1@lists.example.com"),
)
LOG_OF_OURS: Final = Voucher(grade=Trust.OWN_MTA, because="our own log says so", stream="garden")


def vouched(report: Report, voucher: Voucher | None) -> tuple[Standing, ...]:
    return ASSESSOR.assess(report, Item(raw=b"To: eve@example.net\n\n{}", source="a", reports=(report,), voucher=voucher), TODAY)


def test_what_a_carrier_vouches_for_has_the_grade_that_it_says() -> None:
    expected = Standing(grade=Trust.OWN_MTA, recipient=RUTH, stream="garden", because="our own log says so", account="garden")
    assert vouched(PAYLOAD, LOG_OF_OURS) == (expected,)
    complaint = msgspec.structs.replace(PAYLOAD.events[0], kind=Kind.COMPLAINT)
    assert vouched(msgspec.structs.replace(PAYLOAD, events=(complaint,)), LOG_OF_OURS) == (expected,)


def test_what_nobody_vouches_for_is_plausible_at_most_though_the_carrier_has_read_it() -> None:
    assert [one.grade for one in vouched(PAYLOAD, None)] == [Trust.PLAUSIBLE]


def test_a_tag_in_the_return_path_that_a_carrier_tells_comes_before_its_word() -> None:
    original = Original(headers=(("Return-Path", OURS),))
    (found,) = vouched(msgspec.structs.replace(PAYLOAD, original=original), LOG_OF_OURS)
    assert (found.grade, found.recipient, found.tag) == (Trust.SIGNED, RUTH, TAG)
