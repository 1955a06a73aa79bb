"""The proxies as docs/serve.md has them: a real nginx speaks TLS before a real server, and Caddy takes its file."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.servers import free_port, require
from tests.web.posting import Served, batch, signed

PAGE = (Path(__file__).parent.parent.parent / "docs" / "serve.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a certificate."""
    openssl = require({"openssl": "openssl"})["openssl"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bounces.example.com", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, stdin=subprocess.DEVNULL, capture_output=True)  # noqa: S603  our own command
    return tmp_path


def test_nginx_passes_on_what_is_for_the_world_by_tls_and_nothing_else(folder: Path) -> None:
    nginx = require({"nginx": "nginx"})["nginx"]
    port = free_port()
    with Served(folder) as served:
        site = block("nginx").replace("/etc/ssl/bounces.example.com.pem", f"{folder}/cert.pem").replace("/etc/ssl/bounces.example.com.key", f"{folder}/key.pem")
        site = site.replace("listen 443", f"listen 127.0.0.1:{port}").replace("127.0.0.1:8027", f"127.0.0.1:{served.port}")
        places = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        top = f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\ndaemon off;\nevents {{}}\nhttp {{\naccess_log off;\n{places}{site}}}\n"
        (folder / "nginx.conf").write_text(top)
        command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        checked = subprocess.run([*command, "-t"], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)  # noqa: S603  as above
        assert "test is successful" in checked.stderr, checked.stderr
        with (folder / "nginx.out").open("wb") as out:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)  # noqa: S603  as above
        try:
            with httpx.Client(verify=False, base_url=f"https://127.0.0.1:{port}", headers={"Host": "bounces.example.com"}) as client:  # noqa: S501  its certificate is our own
                wait(client)
                paths = ("/webhooks/post:eu", "/webhooks/post%3Aeu", "/webhooks/post/eu", "/webhooks/post:us")
                answers = [client.post(path, content=batch(number), headers=signed(batch(number))).status_code for number, path in enumerate(paths)]
                assert answers == [200, 200, 200, 404]
                assert client.post("/webhooks/post:eu", content=b"x" * 6_000_000).status_code == 413
                assert [client.get(path).status_code for path in ("/health", "/metrics", "/")] == [404] * 3
        finally:
            process.terminate()
            process.wait(20)
        assert len(served.spooled()) == 3


def wait(client: httpx.Client) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            client.get("/")
        except httpx.TransportError:
            assert time.monotonic() < end
            time.sleep(0.05)
        else:
            return


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    caddy = require({"caddy": "caddy"})["caddy"]
    (tmp_path / "Caddyfile").write_text(block("caddy"))
    environment = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    command = [caddy, "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)  # noqa: S603  our own command
    assert (done.returncode, "Valid configuration" in done.stdout + done.stderr) == (0, True), done.stderr
