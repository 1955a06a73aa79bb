"""What an ESP posts: verified, not taken before, on the disk, and only then answered with 200; a real server on loopback."""

from __future__ import annotations

import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.web.posting import NEW, OLD, Served, batch, people, signed

if TYPE_CHECKING:
    from pathlib import Path


def statuses(served: Served, *posts: tuple[bytes, dict[str, str]], where: str = "post:eu") -> list[int]:
    return [served.post(body, where, headers).status_code for body, headers in posts]


def test_what_is_answered_with_200_is_processed_by_run(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        assert statuses(served, (body := batch(1, 2, 3), signed(body)), (other := batch(4), signed(other, OLD))) == [200, 200]
        assert len(served.spooled()) == 2
        done = served.run()
        assert (done.returncode, done.stdout) == (0, "2 processed: 4 suppress\n"), done.stderr
        assert (served.suppressed(), served.spooled()) == (people([1, 2, 3, 4]), [])
        past = served.ask(lambda store: store.why("u1@example.org", next(store.suppressions()).since))
        assert [(one.grade, one.stream) for one in past.events] == [("own-mta", "post:eu")]


@pytest.mark.parametrize("where", ["post:eu", "post%3Aeu", "post/eu"])
def test_an_instance_has_a_path_for_consoles_that_take_no_colon(served: Served, where: str) -> None:
    body = batch(10 + len(where))
    assert served.post(body, where).status_code == 200
    assert [ask(f"{served.url}/webhooks/{where}").status_code for ask in (httpx.head, httpx.get)] == [200, 200]


@pytest.mark.parametrize("where", ["post:us", "post", "nobody", "post/eu/more", "post:eu/x", ".."])
def test_an_instance_without_a_secret_has_no_route_nor_has_what_is_not_there(served: Served, where: str) -> None:
    answer = served.post(batch(30), where)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_post_that_no_secret_verifies_is_refused_without_a_word_of_why(served: Served) -> None:
    before = len(served.spooled())
    body = batch(40)
    unproved: list[dict[str, Any]] = [{}, signed(body, "another"), signed(body + b" "), {"X-Post-Signature": b"\xc3\xa9"}]
    answers = [served.post(body, headers=headers) for headers in unproved]
    answers.append(served.post(b"TELL me"))
    expected = {"type": "about:blank", "title": "Unauthorized", "status": 401, "detail": "It could not be verified."}
    assert [answer.json() for answer in answers] == [expected] * 5
    assert len(served.spooled()) == before


def test_a_repetition_is_answered_with_200_and_counts_for_nothing_also_after_a_restart(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        body, once = batch(1), {"X-Post-Id": "7"}
        altered = batch(2)
        assert statuses(served, (body, signed(body, **once)), (body, signed(body)), (altered, signed(altered, **once))) == [200] * 3
        served.end()
        served.start()
        assert statuses(served, (body, signed(body)), (altered, signed(altered, **once)), (altered, signed(altered))) == [200] * 3
        assert len(served.spooled()) == 2  # the altered body with no id of its own is another delivery


def test_what_the_plugin_cannot_read_is_in_quarantine_and_can_be_tried_again(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        posts = [b"no JSON at all", b"[" * 100_000, b"RAISE", b"[]", batch(5)]
        assert statuses(served, *((body, signed(body)) for body in posts)) == [200] * 5
        done = served.run()
        assert (done.returncode, done.stdout) == (1, "2 processed, 3 in quarantine: 1 suppress\n"), done.stderr
        kept = sorted((tmp_path / "spool" / ".Quarantine" / "cur").iterdir())
        assert [path.read_bytes() for path in kept] == [b"X-Bounceclass-Webhook: post:eu\n\n" + body for body in posts[:3]]
        why = [(tmp_path / "spool" / ".Quarantine" / "why" / path.name.partition(":")[0]).read_text() for path in kept]
        said = "attempted 3 times: PluginError: plugin post:eu: can't read the body"
        assert why == [said, said, "attempted 3 times: RuntimeError: no way"]
        kept[0].write_bytes(b"X-Bounceclass-Webhook: post:eu\n\n" + batch(6))
        again = subprocess.run(served.command("quarantine", "retry", str(kept[0])), env=served.environment, capture_output=True, text=True, check=False)  # noqa: S603  our own command
        assert (again.returncode, again.stdout) == (0, f"{kept[0]}: suppress\n"), again.stderr


@pytest.mark.parametrize("size", [70_000, 10_000_000])
def test_a_body_beyond_the_limit_is_refused_whether_or_not_it_says_so(tmp_path: Path, size: int) -> None:
    with Served(tmp_path, web="body = 65536") as served:
        body = b"x" * size
        assert served.post(body).status_code == 413
        chunks = (body[start : start + 10_000] for start in range(0, size, 10_000))
        try:
            answer = httpx.post(f"{served.url}/webhooks/post:eu", content=chunks, headers=signed(body), timeout=30)
        except httpx.WriteError:  # it was hung up on
            return
        assert answer.status_code == 413


def test_what_comes_too_slowly_is_hung_up_on(tmp_path: Path) -> None:
    with Served(tmp_path, web="head_seconds = 0.5\nbody_seconds = 0.7") as served:
        heads = [b"", b"POST /webhooks/post:eu HT", b"POST /webhooks/post:eu HTTP/1.1\r\nHost: x\r\nX-A: "]
        body = b"POST /webhooks/post:eu HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n["
        sockets = [socket.create_connection(("127.0.0.1", served.port), timeout=10) for _ in range(4)]
        for one, sent in zip(sockets, [*heads, body], strict=True):
            one.sendall(sent)
        started = time.monotonic()
        answers = []
        for one in sockets:
            found = b""
            while part := one.recv(65536):
                found += part
            answers.append(found.partition(b"\r\n")[0])
            one.close()
        assert answers == [b"", b"", b"", b"HTTP/1.1 408 Request Timeout"]
        assert time.monotonic() - started < 5
        assert served.post(batch(1)).status_code == 200


def test_where_too_much_waits_or_is_in_flight_the_esp_is_told_to_come_again(tmp_path: Path) -> None:
    with Served(tmp_path, web="spool_deliveries = 2\nin_flight = 1\nbody_seconds = 5") as served:
        slow = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        slow.sendall(b"POST /webhooks/post:eu HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n[")
        time.sleep(0.3)
        answer = served.post(batch(1))
        assert (answer.status_code, answer.headers["retry-after"], answer.json()["status"]) == (429, "5", 429)
        slow.close()
        time.sleep(0.3)
        assert [served.post(batch(number)).status_code for number in range(2)] == [200, 200]
        answer = served.post(batch(3))
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
        assert served.run().returncode == 0
        time.sleep(1.1)
        assert served.post(batch(3)).status_code == 200


def test_a_full_disk_is_a_503(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        folder = tmp_path / "spool" / "tmp"
        folder.rmdir()
        folder.write_text("no folder, so nothing can be stored")
        answer = served.post(batch(1))
        assert (answer.status_code, answer.headers["retry-after"], answer.json()["detail"]) == (503, "5", "It could not be stored; come again.")
        folder.unlink()
        folder.mkdir()
        assert served.post(batch(1)).status_code == 200


def test_no_secret_is_in_the_log_an_answer_or_the_list_of_processes(tmp_path: Path) -> None:
    with Served(tmp_path) as served:
        bad = [b"TELL me", b"RAISE", batch(1)]
        said = [served.post(body).text for body in bad] + [served.post(batch(2), headers={"Authorization": f"Bearer {NEW}"}).text]
        said += [httpx.get(f"{served.url}{path}").text for path in ("/health", "/metrics", "/openapi.json", "/nothing")]
        assert served.process is not None
        with open(f"/proc/{served.process.pid}/cmdline", "rb") as file:  # noqa: PTH123  it is no file of ours
            said.append(file.read().decode())
        done = served.run()
        said += [done.stdout, done.stderr, served.log]
        assert [one for one in said if NEW in one or OLD in one] == []
        assert "verify raised ValueError" in served.log
        assert "plugin post:eu: nothing says when a post was made" in served.log
        assert "plugin post:us: no webhook_secrets: it has no route" in served.log


@pytest.mark.parametrize(
    ("secrets", "fault"),
    [
        ('[{ variable = "ABSENT" }]', "plugins.post.webhook_secrets: the variable ABSENT is not set"),
        ('[{ file = "absent" }]', "absent: No such file or directory"),
        ('[{ secret = "" }]', "plugins.post.webhook_secrets: a secret is empty"),
        ('"secret"', "plugins.post.webhook_secrets: Expected `array`"),
        ("[{}]", "plugins.post.webhook_secrets needs one of secret, file and variable"),
    ],
)
def test_a_secret_that_is_missing_is_a_fault_of_the_configuration(tmp_path: Path, secrets: str, fault: str) -> None:
    served = Served(tmp_path)
    served.config.write_text(f'[web]\nspool = "{tmp_path}/spool"\n[plugins.post]\nwebhook_secrets = {secrets}\n')
    done = subprocess.run(served.command("config", "check"), env=served.environment, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  our own command
    assert (done.returncode, fault in done.stdout) == (2, True), done.stdout


@pytest.mark.parametrize(
    ("secret", "command", "said"),
    [
        ("POST_EU", ["serve"], "bounceclass: webhooks need a spool"),
        ("POST_EU", ["config", "check"], "web.spool: webhooks can't be taken without one"),
        ("ABSENT", ["serve"], "bounceclass: plugins.post.webhook_secrets: the variable ABSENT is not set"),
    ],
)
def test_without_a_spool_or_a_secret_it_does_not_begin(tmp_path: Path, secret: str, command: list[str], said: str) -> None:
    served = Served(tmp_path)
    served.config.write_text(f'[plugins.post]\nwebhook_secrets = [{{ variable = "{secret}" }}]\n')
    done = subprocess.run(served.command(*command), env=served.environment, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  our own command
    assert (done.returncode, said in done.stdout + done.stderr) == (2, True), done.stderr


def test_where_somebody_else_listens_it_says_so_and_ends(served: Served) -> None:
    done = subprocess.run(served.command("serve"), env=served.environment, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  our own command
    assert done.returncode == 1
    assert "address already in use" in done.stderr


def test_what_a_file_in_the_spool_says_is_not_believed_where_nobody_stored_it_so(tmp_path: Path) -> None:
    served = Served(tmp_path)
    (tmp_path / "spool").mkdir()
    for name in ("tmp", "new", "cur"):
        (tmp_path / "spool" / name).mkdir()
    for number, raw in enumerate([b"", b"From: x\n\n[]", b"X-Bounceclass-Webhook: gone\n\n[]", b"X-Bounceclass-Webhook: post:eu\nX: y\n\n[]"]):
        (tmp_path / "spool" / "new" / str(number)).write_bytes(raw)
    done = served.run()
    assert (done.returncode, done.stdout) == (1, "0 processed, 4 in quarantine\n")
    why = sorted(path.read_text() for path in (tmp_path / "spool" / ".Quarantine" / "why").iterdir())
    gone, nameless = (f"attempted 3 times: PluginError: plugin {name}: is not on, or has no webhook" for name in ("gone", "of no name"))
    assert why == [gone, nameless, nameless, nameless]
