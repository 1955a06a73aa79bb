"""What lines mean: the permanence rulings, the order of tests for 521, providers' surprises, the traps."""

from __future__ import annotations

import pytest

from bounceclass import knowledge
from bounceclass.engine import Engine
from bounceclass.judge import Judge, host_is_ours, permanence_of
from bounceclass.model import Event, Kind, Permanence, Reason
from bounceclass.packcheck import check
from bounceclass.packs import Pack, Rule, load_ours
from bounceclass.settings import Settings
from bounceclass.transcript import read

GOOGLE, MICROSOFT = "gmail-smtp-in.l.google.com", "example-org.mail.protection.outlook.com"
YAHOO, AOL, APPLE = "mta5.am0.yahoodns.net", "mailin-01.mx.aol.com", "mx01.mail.icloud.com"
COMCAST, ATT, SPECTRUM, COX = "mx1.comcast.net", "ff-ip4-mx-vip1.prodigy.net", "mx0.charter.net", "cxr.mx.a.cloudfilter.cox.net"
GODADDY, BARRACUDA, ANYBODY = "mailstore1.secureserver.net", "d1.ess.barracudanetworks.com", "mx.example.org"

# The reply 521: rows 1 to 11 of the order of tests, first match wins.
ORDER_521 = [
    ("521 5.7.27 <us@example.com>: Sender address rejected: Domain example.com does not accept mail (nullMX)", None, "sender-rejected", "sender", "fix"),
    ("521 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", None, "ip-blocked", "sender", "fix"),
    ("521 5.7.1 Access denied due to poor reputation", None, "bad-reputation", "sender", "fix"),
    ("521 5.5.1 Protocol error", None, "protocol-error", "sender", "fix"),
    ("521 5.5.1 Error: command not implemented", None, "protocol-error", "sender", "fix"),
    ("521 5.7.0 Error: I can break rules, too. Goodbye.", None, "protocol-error", "sender", "fix"),
    ("521 5.3.2 Service currently unavailable", None, "ip-blocked", "sender", "fix"),
    ("521 Service not available", None, "ip-blocked", "sender", "fix"),
    ("521 5.3.2 Service unavailable. Please try again later", None, "system-error", "system", "retry"),
    ("521 too many connections, try later", None, "rate-limited", "sender", "retry"),
    ("521 5.7.1 go away", None, "policy", "sender", "fix"),
    ("521 5.3.2 mx.example.org does not accept mail", None, "domain-no-mail", "domain", "suppress"),
    ("521 Server does not accept mail", "rcpt", "domain-no-mail", "domain", "suppress"),
    ("521 5.3.2 System not accepting network messages", None, "domain-no-mail", "domain", "suppress"),
    ("521", None, "domain-no-mail", "domain", "suppress"),
    ("521 mx.example.org", "connect", "domain-no-mail", "domain", "suppress"),
    ("521 5.3.2 mx.example.org", "connect", "domain-no-mail", "domain", "suppress"),
    ("521 mx.example.org", "rcpt", "domain-no-mail", "domain", "suppress"),
    ("521 keine ahnung was das soll", None, "undetermined", "none", "review"),
    ("521 이 서버는 점검 중", "connect", "undetermined", "none", "review"),
]


@pytest.mark.parametrize(("line", "command", "reason", "scope", "advice"), ORDER_521)
def test_a_521_means_what_its_words_say(engine: Engine, line: str, command: str | None, reason: str, scope: str, advice: str) -> None:
    verdict = engine.reply(line, command=command).verdict
    assert (verdict.reason, verdict.scope, verdict.advice) == (reason, scope, advice)


@pytest.mark.parametrize(
    ("line", "command", "confidence"),
    [("521 mx.example.org does not accept mail", None, 0.95), ("521 mx.example.org", "connect", 0.8), ("521", None, 0.8), ("521 mx.example.org", "rcpt", 0.5)],
)
def test_a_521_is_believed_by_where_and_how_it_is_said(engine: Engine, line: str, command: str | None, confidence: float) -> None:
    assert engine.reply(line, command=command).verdict.confidence == confidence


def test_a_521_hidden_behind_a_generic_status_is_found_in_the_text(engine: Engine) -> None:
    event = engine.reply("host mx.example.org[192.0.2.1] refused to talk to me: 521 mx.example.org does not accept mail")
    assert (event.command, event.verdict.reason, event.verdict.advice) == ("connect", "domain-no-mail", "suppress")


# (line, host, suppress the address?, reasons that are right)
SURPRISES = [
    ("550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", MICROSOFT, True, "user-unknown"),
    ("550 5.4.1 Relay Access Denied", MICROSOFT, False, "relay-denied"),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", MICROSOFT, True, "user-unknown"),
    ("550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", MICROSOFT, True, "user-unknown"),
    ("550 5.7.504 Recipient address is not valid", MICROSOFT, True, "user-unknown"),
    ("550 5.7.505 Access denied, banned recipient", MICROSOFT, True, "user-unknown"),
    ("550 5.1.0 Sender denied", MICROSOFT, False, "sender-rejected"),
    ("550 5.2.2 Submission quota exceeded", MICROSOFT, False, "rate-limited"),
    ("550 5.0.350 Generic error, x-dg-ref header is too long", MICROSOFT, False, "undetermined content"),
    ("550 5.7.606 Access denied, banned sending IP [192.0.2.1]", MICROSOFT, False, "ip-blocked"),
    ("550 5.7.511 Access denied, banned sender", MICROSOFT, False, "ip-blocked sender-rejected"),
    ("550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider (S3150).", MICROSOFT, False, "ip-blocked"),
    ("550 5.7.507 Access denied, rejected by recipient", MICROSOFT, False, "ip-blocked"),
    ("550 5.7.513 Service unavailable, Client host [192.0.2.1] blocked by example.org using Customer Block list", MICROSOFT, False, "ip-blocked"),
    ("550 5.7.508 Access denied, [2001:db8::1] has exceeded permitted limits within 1 hour range.", MICROSOFT, False, "rate-limited"),
    ("550 5.7.510 Access denied, example.org does not accept email over IPv6", MICROSOFT, False, "policy"),
    ("550 5.7.512 Access denied, message must be RFC 5322 section 3.6.2 compliant", MICROSOFT, False, "not-compliant"),
    ("451 4.7.500 Server busy. Please try again later from [192.0.2.1].", MICROSOFT, False, "ip-blocked rate-limited"),
    ("550 5.7.515 Access denied, sending domain example.com doesn't meet the required authentication level", MICROSOFT, False, "authentication-failed"),
    ("550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required", MICROSOFT, False, "members-only"),
    ("550 5.7.705 Access denied, tenant has exceeded threshold", MICROSOFT, False, "bad-reputation rate-limited"),
    ("550 5.2.121 Recipient's per hour message receive limit exceeded", MICROSOFT, False, "rate-limited"),
    ("550 5.4.14 Hop count exceeded - possible mail loop ATTR34", MICROSOFT, False, "routing-loop"),
    ("451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.", MICROSOFT, False, "bad-reputation rate-limited ip-blocked"),
    ("550-5.1.1 The email account that you tried to reach does not exist. 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser - gsmtp", GOOGLE, True, "user-unknown"),
    ("550-5.2.1 The email account that you tried to reach is inactive. 550 5.2.1 https://support.google.com/mail/?p=DisabledUser - gsmtp", GOOGLE, True, "mailbox-disabled"),
    ("550-5.2.1 The user you are trying to contact is receiving mail at a rate that 550 5.2.1 prevents. ?p=ReceivingRatePerm - gsmtp", GOOGLE, False, "rate-limited"),
    ("552-5.2.2 The email account that you tried to reach is over quota. 552 5.2.2 ?p=OverQuotaPerm - gsmtp", GOOGLE, False, "mailbox-full"),
    ("550 5.7.26 This mail has been blocked because the sender is unauthenticated. - gsmtp", GOOGLE, False, "authentication-failed"),
    ("552 5.7.0 This message was blocked because its content presents a potential security issue. - gsmtp", GOOGLE, False, "content virus"),
    ("552 5.3.4 Your message exceeded Google's message size limits. - gsmtp", GOOGLE, False, "too-large"),
    ("554 30 Sorry, your message to user@yahoo.com cannot be delivered. This mailbox is disabled (554.30).", YAHOO, True, "mailbox-disabled"),
    ("552 1 Requested mail action aborted, mailbox not found", YAHOO, True, "user-unknown"),
    ("554 delivery error: dd This user doesn't have a yahoo.com account (user@yahoo.com) [0]", YAHOO, True, "user-unknown"),
    ("421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume", YAHOO, False, "bad-reputation rate-limited"),
    ("553 5.7.2 [TSS09] All messages from 192.0.2.1 will be permanently deferred", YAHOO, False, "bad-reputation ip-blocked"),
    ("553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1", YAHOO, False, "ip-blocked"),
    ("554 5.7.9 Message not accepted for policy reasons.", YAHOO, False, "policy authentication-failed"),
    ("521 5.2.1 :  (CON:B1)  https://postmaster.aol.com/error-codes", AOL, False, "ip-blocked"),
    ("521 5.2.1 AOL will not accept delivery of this message.", AOL, False, "content"),
    ("521 5.2.1 Service unavailable. Please try again later.", AOL, False, "system-error"),
    ("554 5.7.1 [BL000001] Connection refused", COMCAST, False, "ip-blocked"),
    ("550 5.1.1 Not our Customer", COMCAST, True, "user-unknown"),
    ("553 5.3.0 flph825 DNSBL:ATTRBL 521< 192.0.2.1 >_is_blocked.", ATT, False, "ip-blocked"),
    ("550 5.1.0 <news@example.com> sender rejected. AUP#In-1310", SPECTRUM, False, "rate-limited sender-rejected policy"),
    ("554 cox Too many bad commands from 192.0.2.1 AUP#CXBL", COX, False, "ip-blocked"),
    ("550 5.1.1 Message sent to too many recipients. IB607", GODADDY, False, "rate-limited too-many-recipients"),
    ("550 5.1.6 recipient no longer on server: user@icloud.com", APPLE, True, "user-unknown address-moved"),
    ("554 5.7.1 [CS01] Message rejected due to local policy.", APPLE, False, "policy spam"),
    ("554 5.7.1 <user@example.org>: Recipient address rejected: User unknown", ANYBODY, True, "user-unknown"),
    ("550 5.7.1 <user@example.org>: Recipient address rejected: SPF fail - not authorized", ANYBODY, False, "authentication-failed"),
    ("550 5.7.1 <user@example.org>: Recipient address rejected: https://www.spamhaus.org/query/ip/192.0.2.1", ANYBODY, False, "ip-blocked"),
    ("550 5.2.1 Mailbox unavailable. Your IP address 192.0.2.1 is blacklisted using example.net", ANYBODY, False, "ip-blocked"),
    ("450 4.1.1 <user@example.org>: Recipient address rejected: unverified address: Address verification in progress", ANYBODY, False, "greylisted system-error"),
    ("450 4.7.1 <user@example.org>: Recipient address rejected: Greylisting in action", ANYBODY, False, "greylisted"),
    ("553 5.1.8 <news@example.com>... Domain of sender address news@example.com does not exist", ANYBODY, False, "sender-rejected"),
    ("554 5.7.1 <user@example.org>: Relay access denied", ANYBODY, False, "relay-denied"),
    ("550 relay not permitted", ANYBODY, False, "relay-denied"),
    ("550 5.7.1 Unable to relay", ANYBODY, False, "relay-denied"),
    ("550 permanent failure for one or more recipients (user@example.org:blocked)", BARRACUDA, False, "undetermined policy recipient-filtered"),
    ("550 #5.1.0 Address rejected.", ANYBODY, True, "user-unknown"),
    ("554 5.4.7 [internal] exceeded max time without delivery (last transfail: 452 4.2.2 Mailbox full)", ANYBODY, False, "mailbox-full"),
]


@pytest.mark.parametrize(("line", "host", "suppressed", "reasons"), SURPRISES)
def test_what_a_provider_says_is_read_as_what_it_means(engine: Engine, line: str, host: str, suppressed: bool, reasons: str) -> None:  # noqa: FBT001  a column of the table
    verdict = engine.reply(line, host=host).verdict
    assert verdict.reason in reasons.split()
    assert (verdict.advice == "suppress") is suppressed


@pytest.mark.parametrize(
    "line",
    [
        "550 5.1.1 Amazon SES has suppressed sending to this address because it has a recent history of bouncing",
        "605 Not delivering to previously bounced address",
        "254 4.7.1 Suppression for user ocid1.user.oc1..aaaa to user@example.org",
    ],
)
def test_an_esp_s_own_list_is_told_from_a_new_fact(engine: Engine, line: str) -> None:
    event = engine.reply(line)
    assert (event.kind in {"bounce", "other"}, event.verdict.reason, event.verdict.advice) == (True, "suppressed", "suppress")


# (line, command, kind or None for a reply's own, permanence, reason, advice)
RULINGS = [
    ("450 4.2.2 <user@example.org>: mailbox is full", "rcpt", Kind.BOUNCE, "transient", "mailbox-full", "count"),
    ("421 4.7.0 Too many connections from 192.0.2.1", "connect", None, "transient", "rate-limited", "retry"),
    ("421 mx.example.org closing connection", "rcpt", None, "transient", "system-error", "retry"),
    ("552 5.2.2 Over quota", "rcpt", None, "permanent", "mailbox-full", "count"),
    ("552 Too many recipients", "rcpt", None, "transient", "too-many-recipients", "retry"),
    ("552 sorry", "rcpt", None, "permanent", "mailbox-full", "count"),
    ("552 sorry", "body", None, "permanent", "too-large", "fix"),
    ("550 4.2.2 Mailbox full", "rcpt", None, "transient", "mailbox-full", "count"),
    ("450 5.1.1 User unknown", "rcpt", None, "transient", "user-unknown", "count"),
    ("550 5.1.1 User unknown: retry timeout exceeded", None, Kind.BOUNCE, "permanent", "user-unknown", "suppress"),
    ("mailbox is full: retry timeout exceeded", None, Kind.BOUNCE, "transient", "mailbox-full", "count"),
    ("retry timeout exceeded", None, Kind.BOUNCE, "transient", "expired", "count"),
    ("an MX or SRV record indicated no SMTP service", None, Kind.BOUNCE, "permanent", "domain-no-mail", "suppress"),
    ("Domain example.org does not accept mail (nullMX)", None, Kind.BOUNCE, "permanent", "domain-no-mail", "suppress"),
    ("550 Unrouteable address", "rcpt", None, "permanent", "user-unknown", "count"),
    ("Unrouteable address", None, Kind.BOUNCE, "permanent", "domain-unknown", "count"),
    ("554 5.4.6 Too many hops", "body", None, "permanent", "routing-loop", "count"),
    ("450 4.4.6 Routing loop detected", "rcpt", None, "transient", "routing-loop", "count"),
    ("mail forwarding loop for user@example.org", None, Kind.BOUNCE, "permanent", "routing-loop", "count"),
    ("550 Sender verify failed", "rcpt", None, "permanent", "sender-rejected", "fix"),
    ("550 Verification failed for <news@example.com>", "rcpt", None, "permanent", "sender-rejected", "fix"),
    ("554 No SMTP service here", "connect", None, "permanent", "undetermined", "review"),
    ("connect to mx.example.org[192.0.2.1]:25: Connection timed out", None, Kind.BOUNCE, "permanent", "network-error", "count"),
]


@pytest.mark.parametrize(("line", "command", "kind", "permanence", "reason", "advice"), RULINGS)
def test_permanence_is_ruled_by_what_the_remote_said(engine: Engine, line: str, command: str | None, kind: Kind | None, permanence: str, reason: str, advice: str) -> None:
    event = engine.reply(line, command=command)
    if kind is not None:
        said = read(line)
        event = Event(kind=kind, action="failed", diagnostic=line, reply_code=said.reply_code, enhanced_status=said.enhanced_status, command=command)
        event = Judge(Settings()).judge([event])[0]
    verdict = event.verdict
    assert (verdict.reason, verdict.advice) == (reason, advice)
    assert verdict.permanence == permanence or reason == "network-error"


@pytest.mark.parametrize(
    ("kind", "reply_code", "status", "text", "permanence"),
    [
        (Kind.BOUNCE, 550, "5.1.1", "550 5.1.1 x", "permanent"),
        (Kind.BOUNCE, 450, "5.2.0", "450 x", "transient"),
        (Kind.BOUNCE, 550, "4.4.7", "550 x", "permanent"),
        (Kind.BOUNCE, 550, "4.2.2", "550 4.2.2 x", "transient"),
        (Kind.BOUNCE, 421, "5.0.0", "421 5.0.0 x", "transient"),
        (Kind.BOUNCE, None, "4.4.1", "", "transient"),
        (Kind.BOUNCE, None, "5.0.0", "", "permanent"),
        (Kind.BOUNCE, None, None, "", "permanent"),
        (Kind.DELAY, None, None, "", "transient"),
        (Kind.OTHER, None, None, "hello", "undetermined"),
        (Kind.DELIVERY, 250, "2.0.0", "250 2.0.0 ok", "undetermined"),
    ],
)
def test_the_reply_beats_the_report(kind: Kind, reply_code: int | None, status: str | None, text: str, permanence: str) -> None:
    assert permanence_of(kind, reply_code, status, read(text)) == permanence


TRAPS_SUPPRESSED = [
    "550 5.7.1 <user@example.org>: Recipient address rejected: User unknown",
    "550 User jane (jane@example.org) not listed in Domino Directory",
    "550 jane@example.org... No such user; not listed in public Directory",
    "550 5.1.1 address not found in directory",
    "550 Sorry, no mailbox here by that name. (#5.1.1)",
    "550 5.1.1 unknown or illegal alias: user@example.org",
]
TRAPS_KEPT = [
    ("550 mailbox unavailable", "count"),
    ("550 unavailable: your IP 192.0.2.1 is on our list", "fix"),
    ("554 No SMTP service here: your IP 192.0.2.1 has no PTR record", "fix"),
    ("550 5.7.27 <us@example.com>: Sender address rejected: Domain example.com does not accept mail (nullMX)", "fix"),
]


@pytest.mark.parametrize("line", TRAPS_SUPPRESSED)
def test_a_dead_address_is_suppressed_whatever_its_code(engine: Engine, line: str) -> None:
    assert engine.reply(line, command="rcpt").verdict.advice == "suppress"


@pytest.mark.parametrize(("line", "advice"), TRAPS_KEPT)
def test_a_live_address_is_kept_whatever_its_code(engine: Engine, line: str, advice: str) -> None:
    assert engine.reply(line, command="rcpt").verdict.advice == advice


@pytest.mark.parametrize(
    ("line", "command", "scope", "advice"),
    [
        ("550 kaputt", "rcpt", "address", "count"),
        ("550 kaputt", None, "none", "review"),
        ("550 kaputt", "body", "none", "review"),
        ("550 kaputt content", "rcpt", "none", "review"),
        ("450 kaputt", "rcpt", "none", "review"),
    ],
)
def test_an_unknown_refusal_is_the_address_s_only_at_rcpt_to(engine: Engine, line: str, command: str | None, scope: str, advice: str) -> None:
    verdict = engine.reply(line, command=command).verdict
    assert (verdict.reason, verdict.scope, verdict.advice) == ("undetermined", scope, advice)


def test_a_failure_without_code_and_words_counts_with_little_confidence() -> None:
    verdict = Judge(Settings()).judge([Event(kind=Kind.BOUNCE, action="failed", recipient="user@example.org")])[0].verdict
    assert (verdict.permanence, verdict.reason, verdict.scope, verdict.advice, verdict.confidence) == ("permanent", "undetermined", "address", "count", 0.2)


def test_a_code_alone_is_judged_as_explained() -> None:
    judge = Judge(Settings())
    for name, fact in knowledge.codes().status.items():
        for class_ in (4, 5):
            status = name.replace("x", str(class_))
            verdict = judge.judge([Event(kind=Kind.BOUNCE if class_ == 5 else Kind.DELAY, enhanced_status=status, action="failed")])[0].verdict
            assert verdict.reason == fact.meaning(class_).reason, status


@pytest.mark.parametrize(
    ("diagnostic", "reason", "scope", "advice"),
    [("mail for example.org loops back to myself", "routing-loop", "sender", "fix"), ("Host or domain name not found", "domain-unknown", "domain", "count")],
)
def test_what_our_own_host_says_of_itself_is_ours(diagnostic: str, reason: str, scope: str, advice: str) -> None:
    judge = Judge(Settings(own_hosts=("mx.example.com",)))
    event = Event(kind=Kind.BOUNCE, action="failed", enhanced_status="5.0.0", diagnostic=diagnostic, diagnostic_type="x-postfix", reporting_mta="mx.example.com")
    verdict = judge.judge([event])[0].verdict
    assert (verdict.reason, verdict.scope, verdict.advice) == (reason, scope, advice)


@pytest.mark.parametrize(
    ("host", "own", "ours"),
    [("mx.example.com", ("mx.example.com",), True), ("a.b.example.com", (".example.com",), True), ("example.com", (".example.com",), False), (None, ("x",), False)],
)
def test_a_host_is_ours_by_name_or_by_domain(host: str | None, own: tuple[str, ...], ours: bool) -> None:  # noqa: FBT001  a column of the table
    assert host_is_ours(host, own) is ours


def test_a_user_s_pack_is_asked_first_and_says_so() -> None:
    pack = Pack(name="mine", rules={"full-house": Rule(reason="mailbox-full", any=("user unknown",))})
    verdict = Engine(packs=[pack]).reply("550 5.1.1 user unknown").verdict
    assert (verdict.reason, verdict.advice) == (Reason.MAILBOX_FULL, "count")
    assert (verdict.evidence[0].rule, verdict.evidence[0].pack, verdict.evidence[0].text, verdict.evidence[0].overrode) == ("full-house", "mine", "user unknown", "x.1.1")


def test_no_pack_can_make_a_sender_s_fault_suppress() -> None:
    pack = Pack(name="rash", rules={"rash": Rule(reason="user-unknown", scope="sender", any=("spam",))})
    assert Engine(packs=[pack]).reply("550 5.7.1 spam").verdict.advice == "fix"


def test_evidence_points_at_the_words_as_they_were_written(engine: Engine) -> None:
    text = "host mx.example.org[192.0.2.1] said: 550 5.1.1  <User@example.org>:  Recipient address rejected: User  unknown (in reply to RCPT TO command)"
    event = engine.reply(text)
    first = event.verdict.evidence[0]
    assert event.diagnostic is not None
    assert event.diagnostic[first.start : first.end] == first.text
    assert "ser unknown" in first.text


def test_several_complainers_are_reviewed_and_one_is_believed() -> None:
    judge = Judge(Settings())
    one = Event(kind=Kind.COMPLAINT, recipient="user@example.org", label="abuse")
    assert [event.verdict.advice for event in judge.judge([one])] == ["suppress"]
    assert [event.verdict.advice for event in judge.judge([one, one])] == ["review", "review"]


@pytest.mark.parametrize(("label", "recipient", "advice"), [("not-spam", "u@example.org", "review"), ("abuse", None, "review"), ("opt-out", "u@example.org", "suppress"), ("auth-failure", "u@example.org", "review"), ("fraud", "u@example.org", "review")])  # fmt: skip
def test_only_a_complaint_about_our_mail_takes_back_consent(label: str, recipient: str | None, advice: str) -> None:
    event = Event(kind=Kind.COMPLAINT, recipient=recipient, label=label)
    assert Judge(Settings()).judge([event])[0].verdict.advice == advice


@pytest.mark.parametrize(("action", "reason"), [("delivered", "delivered"), ("relayed", "relayed"), ("expanded", "relayed")])
def test_a_success_is_ignored(action: str, reason: str) -> None:
    verdict = Judge(Settings()).judge([Event(kind=Kind.DELIVERY, action=action)])[0].verdict
    assert (verdict.reason, verdict.permanence, verdict.scope, verdict.advice) == (reason, Permanence.UNDETERMINED, "none", "ignore")


@pytest.mark.parametrize(
    ("diagnostic", "status", "permanence"),
    [
        ("connect to mx.example.org[192.0.2.1]:25: Connection timed out", None, "transient"),
        ("connect to mx.example.org[192.0.2.1]:25: Connection timed out", "5.0.0", "transient"),
        ("retry timeout exceeded", "5.0.0", "transient"),
        ("connect to mx.example.org[192.0.2.1]:25: Connection timed out", "5.4.1", "permanent"),
        ("mailbox is full", "5.0.0", "permanent"),
    ],
)
def test_what_passes_by_itself_is_transient_though_it_was_given_up_without_a_reply(diagnostic: str, status: str | None, permanence: str) -> None:
    event = Event(kind=Kind.BOUNCE, recipient="user@example.org", action="failed", diagnostic=diagnostic, enhanced_status=status)
    assert Judge(Settings()).judge([event])[0].verdict.permanence == permanence


LABELS = Pack(
    name="acme",
    rules={
        "gone": Rule(reason="user-unknown", permanence="permanent", label=("gone",)),
        "soft": Rule(reason="undetermined", scope="address", permanence="transient", label=("soft",)),
        "spam": Rule(reason="spam", label=("spam",)),
        "listed": Rule(reason="suppressed", permanence="permanent", confidence=0.9, label=("listed",)),
    },
)


@pytest.mark.parametrize(
    ("label", "text", "format_", "reason", "permanence", "advice", "confidence", "rules"),
    [
        ("gone", None, "acme", "user-unknown", "permanent", "count", 0.6, ["gone"]),
        ("soft", None, "acme", "undetermined", "transient", "count", 0.6, ["soft"]),
        ("spam", None, "acme", "spam", "permanent", "fix", 0.6, ["spam"]),
        ("gone", "550 5.1.1 user unknown", "acme", "user-unknown", "permanent", "suppress", 0.9, ["no-such-user", "x.1.1", "550", "gone"]),
        ("gone", "552 5.2.2 mailbox full", "acme", "mailbox-full", "permanent", "count", 0.9, ["full", "x.2.2", "552", "gone"]),
        ("soft", "550 qwertz", "acme", "undetermined", "permanent", "count", 0.6, ["soft", "550"]),
        ("gone", "451 qwertz", "acme", "system-error", "transient", "retry", 0.3, ["451", "gone"]),
        ("listed", "550 5.1.1 user unknown", "acme", "suppressed", "permanent", "suppress", 0.9, ["listed", "no-such-user", "x.1.1", "550"]),
        ("gone", None, "other", "undetermined", "permanent", "count", 0.2, ["kind-bounce"]),
        ("gone", None, None, "undetermined", "permanent", "count", 0.2, ["kind-bounce"]),
        ("never heard of", None, "acme", "undetermined", "permanent", "count", 0.2, ["kind-bounce"]),
    ],
)
def test_a_source_s_own_word_is_asked_last_and_its_own_list_first(
    label: str, text: str | None, format_: str | None, reason: str, permanence: str, advice: str, confidence: float, rules: list[str]
) -> None:
    said = read(text or "")
    event = Event(kind=Kind.BOUNCE, recipient="u@example.org", label=label, diagnostic=text, reply_code=said.reply_code, enhanced_status=said.enhanced_status)
    verdict = Judge(Settings(), (LABELS, *load_ours())).judge([event], format_=format_)[0].verdict
    assert (verdict.reason, verdict.permanence, verdict.advice, verdict.confidence) == (reason, permanence, advice, confidence)
    assert [one.rule for one in verdict.evidence] == rules


def test_a_rule_of_a_label_stands_alone_and_needs_no_example() -> None:
    assert check(LABELS) == []
    faults = check(Pack(name="acme", rules={"x": Rule(reason="spam", label=("spam",), any=("spam",))}))
    assert [fault.where for fault in faults] == ["rules.x.label"]


@pytest.mark.parametrize(
    ("label", "text", "contradicts"),
    [
        ("gone", "550 5.1.1 user unknown", False),
        ("gone", "552 5.2.2 mailbox full", True),
        ("gone", None, False),
        ("soft", "550 5.1.1 user unknown", False),
        ("soft", "554 5.7.1 Service unavailable; client [192.0.2.25] blocked using dnsbl.example.net", True),
        ("listed", "550 5.1.1 user unknown", False),
        ("never heard of", "550 5.1.1 user unknown", False),
    ],
)
def test_a_source_that_says_something_else_is_noticed(label: str, text: str | None, *, contradicts: bool) -> None:
    said = read(text or "")
    judge = Judge(Settings(), (LABELS, *load_ours()))
    event = Event(kind=Kind.BOUNCE, recipient="u@example.org", label=label, diagnostic=text, reply_code=said.reply_code, enhanced_status=said.enhanced_status)
    assert judge.contradicts(judge.judge([event], format_="acme")[0], "acme") is contradicts
    assert judge.contradicts(judge.judge([event], format_="other")[0], "other") is False
