"""Bounces to the list garden, one for each thing that stock Mailman gets wrong, and whom each is about."""

from __future__ import annotations

DSN = """\
From: MAILER-DAEMON@{host}
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 9 Mar 2026 12:00:00 +0000
Message-ID: <{number}.report@{host}>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<{recipient}>: {reply}

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; {reply}

--b
Content-Type: text/rfc822-headers

From: anna@example.net
To: garden@lists.example.com
Sender: "garden" <{sender}>
Subject: seeds
Message-ID: <seeds.{number}@example.net>

--b--
"""
NOTICE = """\
From: postmaster@mx.example.org
To: {to}
Subject: could not deliver
Date: Mon, 9 Mar 2026 12:00:00 +0000
Message-ID: <{number}.report@mx.example.org>
Content-Type: text/plain

Hello,

sorry, your mail to {recipient} could not be delivered.
The server said: 550 5.1.1 no such user here.
"""
SHORT = "garden-bounces"
HOST = "lists.example.com"


def verp(member: str) -> str:
    """The return path that Mailman itself writes for a member."""
    return f"{SHORT}+{member.replace('@', '=')}@{HOST}"


def dsn(number: int, recipient: str, reply: str, *, to: str | None = None, action: str = "failed", sender: str = f"{SHORT}@{HOST}", host: str = "mx.example.net") -> bytes:
    """A report about a recipient; `to` is where it was sent to."""
    status = reply.split()[1]
    return DSN.format(number=number, recipient=recipient, reply=reply, status=status, action=action, to=to or verp(recipient), sender=sender, host=host).encode()


def notice(number: int, recipient: str, *, to: str | None = None) -> bytes:
    """The same in a stranger's own words."""
    return NOTICE.format(number=number, recipient=recipient, to=to or verp(recipient)).encode()


def bounces(day: int) -> dict[str, bytes]:
    """A day's bounces, by the local part of the member of example.org whom each is about, or would silence."""
    elsewhere = {"host": "mx.example.invalid", "sender": "bob@example.invalid"}
    made = {
        "unknown": dsn(1, "unknown@example.org", "550 5.1.1 User unknown"),
        "unknown-plainly": dsn(2, "unknown-plainly@example.org", "550 5.1.1 User unknown", to=f"{SHORT}@{HOST}"),
        "notice": notice(3, "notice@example.org"),
        "full": dsn(4, "full@example.org", "552 5.2.2 Mailbox full"),
        "blocked": dsn(5, "blocked@example.org", "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"),
        "spam": dsn(6, "spam@example.org", "554 5.7.1 Message rejected as spam by content filtering"),
        "dmarc": dsn(7, "dmarc@example.org", "550 5.7.26 Unauthenticated email from example.net is not accepted due to domain's DMARC policy"),
        "slow": dsn(8, "slow@example.org", "451 4.7.1 Greylisted, try again later", action="delayed"),
        "forged": dsn(9, "somebody@example.invalid", "550 5.1.1 User unknown", to=verp("forged@example.org")),
        "named": dsn(10, "named@example.org", "550 5.1.1 User unknown", to=verp("stranger@example.invalid")),
        "backscatter": dsn(11, "backscatter@example.org", "550 5.1.1 User unknown", to=f"{SHORT}@{HOST}", **elsewhere),
    }
    return {who: mail.replace(b".report@", b".day%d.report@" % day).replace(b"<seeds.", b"<seeds.%d." % day) for who, mail in made.items()}


MEMBERS = [f"{who}@example.org" for who in bounces(1)]
