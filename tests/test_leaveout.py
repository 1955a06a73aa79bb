"""What is told to hang on a rule does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.leaveout import family, losses, read_all

MAIL = "From: MAILER-DAEMON@mx.example.com\nSubject: failure notice\n\n{}\n\n<jo@example.org>:\n{}\n"
QMAIL = "Hi. This is the qmail-send program at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the following addresses."


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("samples/postfix/06-default-user-unknown.eml", "postfix"),
        ("messages/lhost-exim-07.eml", "lhost-exim"),
        ("messages/lhost-exim-07-cr.eml", "lhost-exim"),
        ("messages/qmail_03.eml", "qmail"),
        ("messages/mailbox-full.eml", "mailbox-full"),
    ],
)
def test_a_family_is_the_name_without_its_number(path: str, name: str) -> None:
    assert family(Path(path)) == name


def test_a_rule_is_needed_by_the_mails_that_read_otherwise_without_it(tmp_path: Path) -> None:
    for name, reply in (("a-1", "550 mailbox is full"), ("a-2", "550 no such user here"), ("b-1", "550 no such user here")):
        (tmp_path / f"{name}.eml").write_text(MAIL.format(QMAIL, reply), encoding="ascii")
    needed = {loss.name: (loss.mails, loss.families) for loss in losses(read_all(tmp_path)) if loss.mails}
    assert needed == {"phrases: no-such-user": (2, ["a", "b"]), "phrases: full": (1, ["a"])}
