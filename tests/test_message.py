from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Final

import pytest

from bounceclass.message import DELIVERY, DISPOSITION, FEEDBACK, Message
from bounceclass.mime.parsers import PARSERS
from bounceclass.settings import Settings
from tests.parts import NOTICE, REPORT, RETURNED, STATUS, defects, entity, message, multipart, seen

if TYPE_CHECKING:
    from bounceclass.protocols import Shape

# --- line ends

MAILS = {
    "report": REPORT,
    "one part": "Subject: x\n folded\nContent-Type: text/plain\n\none\n\ntwo\n",
    "no headers": "\none\ntwo\n",
    "nothing": "",
    "with a From line": f"From mx Mon Jan  5 00:00:00 2026\n{REPORT}",
    "quoted-printable": f"Subject: x\n{entity('text/plain', 'é' * 50, 'quoted-printable')}",
    "html": f"Subject: x\n{entity('text/html', '<p>one</p>two')}",
    "forwarded": multipart(NOTICE, entity("message/rfc822", REPORT), subtype="mixed", boundary="outer"),
    "unclosed": REPORT.removesuffix("--b=1--\n"),
    "another boundary": REPORT.replace('boundary="b=1"', 'boundary="other"'),
    "a lost fold": REPORT.replace('report; boundary="b=1"', 'report;\nboundary="b=1"'),
}


@pytest.mark.parametrize("mail", MAILS.values(), ids=MAILS)
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_make_no_difference(mail: str, parser: str, line_end: str) -> None:
    settings = Settings(parser=parser)
    assert seen(message(mail.replace("\n", line_end), settings)) == seen(message(mail, settings))


@pytest.mark.parametrize("added", ["X-Archive: 7\n{}", "X-Archive: 7\r\n{}", "{}\n"])
def test_an_archive_may_put_lines_of_its_own_around_a_mail_whose_lines_end_in_cr_alone(added: str) -> None:
    whole = added.format(REPORT.replace("\n", "\r"))
    assert seen(message(whole)) == seen(message(whole.replace("\r\n", "\n").replace("\r", "\n")))


def test_a_report_is_read_whole() -> None:
    assert seen(message(REPORT)) == {
        "types": ["text/plain", "message/delivery-status", "text/rfc822-headers"],
        "headers": [("Subject", "a notice"), ("Content-Type", 'multipart/report; boundary="b=1"')],
        "text": "It did not arrive.\n",
        "decoded": ["It did not arrive.\n", STATUS, RETURNED],
        "original": [("Message-ID", "<one@example.org>"), ("Subject", "café"), ("To", "user@example.net")],
        "notice": [("Subject", "a notice"), ("Content-Type", 'multipart/report; boundary="b=1"')],
        "parser": "flanker",
        "defects": (),
    }


# --- the notice for people


@pytest.mark.parametrize(
    ("texts", "taken"),
    [
        (["a banner", "alas, no", "alas"], "alas, no"),
        (["a banner", "words"], "a banner"),
        (["a banner"], "a banner"),
        (["", "a banner", "1", "2", "3", "alas, too late"], "a banner"),
        ([], ""),
    ],
)
def test_the_notice_is_the_first_text_that_tells(texts: list[str], taken: str) -> None:
    read = message(multipart(*(entity("text/plain", text) for text in texts), subtype="mixed"))
    read.take_text(lambda text: "alas" in text)
    assert read.text().strip() == taken


@pytest.mark.parametrize(
    ("entities", "text"),
    [
        ([NOTICE, entity("text/plain", "second")], "It did not arrive.\n"),
        ([entity("text/html", "<b>first</b>"), NOTICE], "It did not arrive.\n"),
        ([entity("text/plain", " \n "), entity("text/plain", "second")], "second"),
        ([entity("text/plain", " \n "), entity("text/html", "second")], "second"),
        ([entity("image/png", "x"), NOTICE], "It did not arrive.\n"),
        ([entity("message/rfc822", "Subject: x\n\nnot this")], ""),
        ([entity("application/pdf", "x")], ""),
        ([], ""),
    ],
)
def test_the_notice_is_the_first_text_that_says_something(entities: list[str], text: str) -> None:
    assert message(multipart(*entities)).text() == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("one<br>two<BR />three", "one\ntwo\nthree"),
        ("<p>one</p>\ntwo", "one\n\ntwo"),
        ("<td>  one</td><br>\n<b>two</b>", "  one\n\ntwo "),
        ("Empf&auml;nger &#37197;&#20449; &bogus;", "Empfänger 配信 &bogus;"),
        ('to <a href="mailto:jo@example.org?subject=x">Jo</a>', "to Jo <jo@example.org>"),
        ('to <a class="x" href=mailto:jo@example.org>jo@example.org</a>', "to  jo@example.org "),
        ("<style>p {}</style>one<script>x()\n</script>", " one "),
        ("a&nbsp;b &lt;user&#64;example.org&gt; &quot;x&#39;s&quot;", "a b <user@example.org> \"x's\""),
        ("&amp;lt;", "&lt;"),
        ("1 < 2 and 3 > 2", "1   2"),
        ("<user@example.org", "<user@example.org"),
    ],
)
def test_html_is_read_without_its_tags(html: str, text: str) -> None:
    assert message(entity("text/html", html)).text() == text


@pytest.mark.parametrize(
    ("charset", "encoding", "body", "text"),
    [
        ("utf-8", "8bit", "한국어".encode(), "한국어"),
        ("euc-kr", "8bit", "한국어".encode("euc-kr"), "한국어"),
        ("iso-2022-jp", "7bit", "日本語".encode("iso2022_jp"), "日本語"),
        ("us-ascii", "7bit", "日本語".encode("iso2022_jp"), "日本語"),
        ("us-ascii", "8bit", "한국어".encode(), "한국어"),
        ("utf-8", "quoted-printable", b"caf=C3=A9 =\nau lait", "café au lait"),
        ("iso-8859-1", "quoted-printable", b"caf=E9", "café"),
        ("utf-8", "quoted-printable", b"1=1 =ZZ \xff", "1=1 =ZZ \\xff"),
        ("utf-8", "base64", b"Y2Fm\nw6kh\n", "café!"),
        ("utf-8", "BASE64", b"Y2Fm w6kh ***", "café!"),
        ("utf-8", "x-unknown", b"Y2Fm", "Y2Fm"),
        ("utf-8", "base64", b"", ""),
    ],
)
def test_text_is_decoded_by_charset_and_encoding(charset: str, encoding: str, body: bytes, text: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    assert message(head.encode() + body).text() == text


@pytest.mark.parametrize("text", ["hello", "hell", "no such user!", "한국어."])
def test_base64_is_decoded_to_its_end(text: str) -> None:
    assert message(entity("text/plain; charset=utf-8", text, "base64")).text() == text


# --- the original

HEADS: Final = [("Message-ID", "<one@example.org>"), ("Subject", "café"), ("To", "user@example.net")]


@pytest.mark.parametrize(
    ("content_type", "encoding"),
    [
        ("text/rfc822-headers", ""),
        ("text/rfc822-headers; charset=utf-8", "7bit"),
        ("Text/RFC822-Headers", "quoted-printable"),
        ("text/rfc822-header", ""),
        ("message/rfc822-headers", ""),
        ("message/rfc822", ""),
        ("message/rfc822", "quoted-printable"),
        ("message/rfc822", "base64"),
        ("message/global", "8bit"),
        ("message/global", "base64"),
        ("message/global-headers", "base64"),
        ("message/partial; number=1; total=2", ""),
    ],
)
@pytest.mark.parametrize("parser", PARSERS)
def test_the_originals_headers_are_read_and_nothing_of_its_body(content_type: str, encoding: str, parser: str) -> None:
    mail = multipart(NOTICE, entity("message/delivery-status", STATUS), entity(content_type, RETURNED + "X: body\n", encoding))
    original = message(mail, Settings(parser=parser)).original()
    assert original is not None
    assert list(original.items()) == HEADS


@pytest.mark.parametrize("entities", [[], [NOTICE], [NOTICE, entity("message/delivery-status", STATUS)], [entity("text/plain", RETURNED)]])
def test_where_nothing_came_back_there_is_no_original(entities: list[str]) -> None:
    assert message(multipart(*entities)).original() is None


@pytest.mark.parametrize("status", ["message/delivery-status", "message/global-delivery-status", "message/feedback-report", "message/disposition-notification"])
def test_a_status_part_is_never_the_original(status: str) -> None:
    original = message(multipart(entity(status, STATUS), entity("message/rfc822", RETURNED))).original()
    assert original is not None
    assert original.get("message-id") == "<one@example.org>"


def test_an_original_that_is_broken_harms_only_itself() -> None:
    broken = 'Content-Type: multipart/mixed; boundary="none"\n\n--other\nContent-Type: multipart/x\n\n'
    read = message(multipart(NOTICE, entity("message/delivery-status", STATUS), entity("message/rfc822", broken)))
    original = read.original()
    assert original is not None
    assert (original.get("content-type"), read.text(), read.defects) == ('multipart/mixed; boundary="none"', "It did not arrive.\n", ())


# --- status parts


@pytest.mark.parametrize("encoding", ["", "7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize(
    ("content_type", "kinds"),
    [
        ("message/delivery-status", DELIVERY),
        ("Message/Delivery-Status; charset=utf-8", DELIVERY),
        ("message/global-delivery-status", DELIVERY),
        ("message/feedback-report", FEEDBACK),
        ("message/disposition-notification", DISPOSITION),
        ("message/global-disposition-notification", DISPOSITION),
    ],
)
@pytest.mark.parametrize("parser", PARSERS)
def test_a_status_part_is_decoded(content_type: str, kinds: frozenset[str], encoding: str, parser: str) -> None:
    status = STATUS.replace("5.1.1\n", "5.1.1\n" + "\n" * (-len(STATUS) % 3))  # no padding in base64
    read = message(multipart(NOTICE, entity(content_type, status, encoding)), Settings(parser=parser))
    (part,) = read.of_type(kinds)
    assert (read.decoded(part, 1000).rstrip(), read.parser, read.defects) == (STATUS.rstrip(), parser, ())


def test_a_status_part_beyond_its_limit_is_cut() -> None:
    read = message(REPORT)
    (part,) = read.of_type(DELIVERY)
    assert (read.decoded(part, 20), read.defects) == (STATUS[:20], defects(("text-cut", "message/delivery-status")))


# --- a report within a mail


def headers_of(mail: str) -> list[tuple[str, str]]:
    return list(message(mail).headers.items())


@pytest.mark.parametrize("kind", ["message/rfc822", "message/global"])
def test_a_report_that_was_forwarded_is_read_in_its_place(kind: str) -> None:
    mail = multipart(entity("text/plain", "Look what came."), entity(kind, REPORT), subtype="mixed", boundary="outer")
    assert seen(message(mail)) == seen(message(REPORT)) | {"headers": headers_of(mail), "notice": headers_of(REPORT)}


def test_a_mail_that_is_nothing_but_a_forwarded_report_is_read() -> None:
    mail = f"Subject: Fwd\nContent-Type: message/rfc822\n\n{REPORT}"
    assert seen(message(mail)) == seen(message(REPORT)) | {"headers": headers_of(mail), "notice": headers_of(REPORT)}


def test_a_bounce_of_a_bounce_is_read_as_the_outer_one() -> None:
    inner = REPORT.replace("user@example.net", "other@example.net")
    outer = multipart(NOTICE, entity("message/delivery-status", STATUS), entity("message/rfc822", inner), boundary="outer")
    read = message(outer)
    assert ([read.decoded(part, 1000) for part in read.of_type(DELIVERY)], list(read.notice_headers.items())) == ([STATUS], headers_of(outer))


@pytest.mark.parametrize(
    "forwarded",
    [
        entity("message/rfc822", multipart(entity("text/plain", "inner"), boundary="inner")),  # no report
        entity("message/rfc822", REPORT, "base64"),  # RFC 2046 5.2.1 forbids it
    ],
)
def test_any_other_mail_that_was_forwarded_stays_closed(forwarded: str) -> None:
    mail = multipart(NOTICE, forwarded, subtype="mixed", boundary="outer")
    read = message(mail)
    assert ([part.content_type for part in read.parts], read.defects) == (["text/plain", "message/rfc822"], ())
    assert list(read.notice_headers.items()) == headers_of(mail)


# --- who read it


def test_the_parser_that_really_read_is_named() -> None:
    class Failing:
        name = "failing"

        def shape(self, skeleton: bytes) -> Shape:
            raise ValueError(skeleton)

        def decode_header(self, value: str) -> str:
            return value

    read = Message(b"Content-Type: text/plain\n\nbody", Settings(), Failing())
    assert (read.text(), read.parser) == ("body", "stdlib")


@pytest.mark.parametrize("charset", [b"euc-kr\xff\xff; x=y", b"\xff\xffeuc-kr", b"euc\x00-kr", b'"euc-kr', b'"euc-kr"x=y', b'"euc-kr"\x14', b"EUC-KR"])
@pytest.mark.parametrize("parser", PARSERS)
def test_a_content_type_that_no_rfc_allows_reads_the_same_by_any_parser(charset: bytes, parser: str) -> None:
    read = message(b"Content-Type: text/plain; charset=" + charset + b"\n\n" + "존재하지 않는 사용자입니다".encode("euc-kr"), Settings(parser=parser))
    assert read.text() == "존재하지 않는 사용자입니다"


@pytest.mark.parametrize("parser", PARSERS)
def test_the_parser_of_the_settings_reads(parser: str) -> None:
    assert seen(message(REPORT, Settings(parser=parser))) == seen(message(REPORT)) | {"parser": parser}


def test_a_mail_goes_with_the_last_who_holds_it_and_waits_for_no_collector() -> None:
    gc.disable()
    try:
        mail = Message(b"From: a@example.org\nSubject: hello\n\ntext", Settings())
        assert (mail.headers.get("subject"), mail.text()) == ("hello", "text")
        seen = weakref.ref(mail)
        del mail
        assert seen() is None
    finally:
        gc.enable()
