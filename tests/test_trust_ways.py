"""What ties a report to us besides a tag: its way, a queue id, a signature, a known source, who carried it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import dkim
import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bounceclass.errors import SettingsError
from bounceclass.model import Event, Kind, Original, Report, Trust
from bounceclass.protocols import Item, Voucher
from bounceclass.settings import Settings, TrustSettings
from bounceclass.trust import Assessor, Standing, gaps, highest
from bounceclass.wrapping import authenticated_domains
from tests.assessing import (
    ASSESSOR,
    AUTHENTIC,
    BARE,
    ENGINE,
    FORGERIES,
    HERE,
    MALLORY,
    OURS,
    OUTSIDE,
    PRIVATE,
    RUTH,
    TAG,
    TAGGED,
    TODAY,
    arf,
    assess,
    dsn,
    leave,
    one,
    returned,
    seen,
)

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
