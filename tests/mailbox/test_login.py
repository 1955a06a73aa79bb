"""Who logs in, and what is said where that fails: on a real Dovecot, which asks a real endpoint about tokens."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from bounceclass.errors import InputError, SettingsError
from bounceclass.settings import Limits
from bounceclass.sources.imap import Imap
from bounceclass.sources.pop3 import Pop3
from tests.mailbox.conftest import Tokens, new_box
from tests.mailbox.test_imap import mail, subjects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bounceclass.protocols import Source
    from tests.mailbox.dovecot import Box, Dovecot

COMMAND = {"password": "-"}


@pytest.fixture
def source() -> Iterator[Callable[[str], Source]]:
    opened: list[Source] = []

    def open_(url: str) -> Source:
        opened.append((Imap if url.startswith("imap") else Pop3)(url, Limits()))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def options(scheme: str, folder: Path, **more: str) -> dict[str, str]:
    return {**({"processed": "", "quarantine": str(folder / "bad")} if scheme.startswith("pop3") else {}), **more}


def printing(text: str) -> str:
    return quote(shlex.join([sys.executable, "-c", text]))


@pytest.mark.parametrize("scheme", ["imaps", "pop3s"])
@pytest.mark.parametrize("mechanisms", ["xoauth2 oauthbearer plain", "xoauth2"])
def test_a_token_of_the_command_logs_in_and_is_asked_for_at_each_login(
    scheme: str, mechanisms: str, own: Callable[..., Dovecot], tokens: Tokens, source: Callable[[str], Source], tmp_path: Path
) -> None:
    box = new_box(own(extra=f"auth_mechanisms = {mechanisms}"))
    box.put(mail("one"))
    count = tmp_path / "count"
    count.write_text("")
    command = printing(f"p={str(count)!r}; n=len(open(p).read()); open(p,'a').write('x'); print(f'{box.user}-{{n}}')")
    tokens.users = {f"{box.user}-{number}": box.user for number in range(2)}
    url = box.url(scheme, **COMMAND, **options(scheme, tmp_path, token_command=command))
    assert subjects(source(url)) == ["one"]
    box.put(mail("two"))
    assert subjects(source(url)) == ["two"]
    with pytest.raises(InputError, match="the login was refused: "):
        list(source(url).items())


@pytest.mark.parametrize("scheme", ["imap", "imaps", "pop3", "pop3s"])
def test_a_login_that_is_refused_is_told_and_not_tried_again_at_once(
    scheme: str, box: Box, source: Callable[[str], Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_PASSWORD", "wrong")
    refused = source(box.url(scheme, **options(scheme, tmp_path)))
    for _ in range(2):
        with pytest.raises(InputError, match=r"^\w+://u\w+%40example\.com@localhost:\d+: the login was refused: .*[Aa]uthentication failed") as caught:
            list(refused.items())
        assert "wrong" not in str(caught.value)
    assert box.server.log().count(f"{box.user},127.0.0.1") == 1


@pytest.mark.parametrize("scheme", ["imap", "imaps", "pop3", "pop3s"])
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"token_command": "false"}, "token_command ended with 1"),
        ({"token_command": "true"}, "token_command printed no token"),
        ({"token_command": "echo%20two%20words"}, "token_command printed something else than one token"),
        ({"token_command": "/nowhere/token"}, "token_command: No such file or directory"),
        ({"token_command": printing("import sys; sys.exit('expired')")}, "token_command ended with 1: expired"),
    ],
)
def test_a_command_that_gives_no_token_is_told(scheme: str, given: dict[str, str], fault: str, box: Box, source: Callable[[str], Source], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        list(source(box.url(scheme, **COMMAND, **options(scheme, tmp_path, **given))).items())
    assert caught.value.fault == fault


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_a_server_that_can_t_be_believed_or_reached_is_told(
    scheme: str, box: Box, own: Callable[..., Dovecot], source: Callable[[str], Source], tmp_path: Path
) -> None:
    here = options(scheme, tmp_path)
    other = new_box(own(host="mx.example.com"))
    known = {
        box.url(f"{scheme}s", ca="", **here): "its certificate is not believed: self-signed certificate",
        other.url(f"{scheme}s", **here): "its certificate is not believed: Hostname mismatch, certificate is not valid for 'localhost'.",
        box.url(scheme, starttls="yes", **here): "its certificate is not believed: self-signed certificate",
        box.url(scheme, port=1, **here): "Connection refused",
        box.url(f"{scheme}s", **here).replace("localhost", "mx.nowhere.test"): "Name or service not known",
    }
    told = {}
    for url in known:
        with pytest.raises(InputError) as caught:
            list(source(url).items())
        told[url] = caught.value.fault
    assert told == known


@pytest.mark.parametrize("scheme", ["imap", "pop3"])
def test_starttls_that_the_server_lacks_is_no_reason_to_go_on_without(scheme: str, own: Callable[..., Dovecot], source: Callable[[str], Source], tmp_path: Path) -> None:
    box = new_box(own(extra="ssl = no"))
    with pytest.raises(InputError, match="the server has no STARTTLS"):
        list(source(box.url(scheme, starttls="yes", **options(scheme, tmp_path))).items())


def test_a_password_that_is_not_there_is_told(box: Box, source: Callable[[str], Source], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOX_PASSWORD")
    with pytest.raises(SettingsError, match="password: the variable BOX_PASSWORD is not set"):
        list(source(box.url("imap")).items())
