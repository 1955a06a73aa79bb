"""Reports as they may come in, forged ones too, and who assesses them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from bounceclass.engine import Engine
from bounceclass.protocols import Item
from bounceclass.settings import Settings, TrustSettings
from bounceclass.tags import Key, make_tag, tagged
from bounceclass.trust import Assessor, Lookups, Standing

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
