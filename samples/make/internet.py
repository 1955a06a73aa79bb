"""The receiving side, in a network namespace of its own: DNS, mail hosts that refuse, and a host that collects.

    python -m samples.make.internet SPOOL      prints "ready" when it answers

A mail for the lists' domain is stored in SPOOL as `NNN RECIPIENT`, byte for byte as it came, but
without dot-stuffing and with LF line ends.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from typing import Final

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from samples.make.scenarios import LISTS, SENDER_HOST, Scenario, Table, table

__all__ = ["COLLECTOR", "GATEWAY", "GATEWAY_SIX", "LINK", "SENDER", "SENDER_SIX", "main"]

LINK: Final = "internet"
SENDER, GATEWAY, COLLECTOR = "192.0.2.1", "192.0.2.254", "203.0.113.25"
_SPECIAL: Final = {"refused": "203.0.113.66", "unreachable": "203.0.113.67", "blackhole": "203.0.113.68", "sender": SENDER}
SENDER_SIX, GATEWAY_SIX = "2001:db8::1", "2001:db8::fe"
_SIXES: Final = {"ipv6": "2001:db8:25::25", "ipv6-refused": "2001:db8:25::66"}
_TLS: Final = {"starttls", "drop-tls", "certificate"}
_HANDSHAKE_FAILURE: Final = b"\x15\x03\x01\x00\x02\x02\x28"
"""The alert of RFC 8446 6.2, fatal, as a record of its own."""
_TTL: Final = 60
_PORT: Final = 25


class Zone:
    """What DNS says, for every name."""

    def __init__(self, facts: Table) -> None:
        """Give each receiving domain an MX and its host an address."""
        self.mx: dict[str, str] = {LISTS: f"10 in.{LISTS}."}
        self.aaaa: dict[str, str] = {}
        self.a = {SENDER_HOST: SENDER, f"in.{LISTS}": COLLECTOR, "localhost": "127.0.0.1"}
        self.ptr = {_reversed(SENDER): f"{SENDER_HOST}."}
        self.servfail: set[str] = set()
        self.empty = {"example.com", LISTS}
        for domain, address in facts.hosts().items():
            self._host(domain, address)
        for domain, what in facts.domains.items():
            if what in _SPECIAL:
                self._host(domain, _SPECIAL[what])
            elif what in _SIXES:
                self.mx[domain] = f"10 mx.{domain}."
                self.aaaa[f"mx.{domain}"] = _SIXES[what]
            elif what == "null-mx":
                self.mx[domain] = "0 ."
            elif what == "servfail":
                self.servfail.add(domain)
            elif what == "no-address":
                self.empty.add(domain)

    def _host(self, domain: str, address: str) -> None:
        self.mx[domain] = f"10 mx.{domain}."
        self.a[f"mx.{domain}"] = address
        if address != SENDER:
            self.ptr[_reversed(address)] = f"mx.{domain}."

    def answer(self, wire: bytes) -> bytes:
        """Answer a query, authoritatively: a name that nobody knows does not exist."""
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AA
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = question.rdtype.name
        found = {"MX": self.mx, "A": self.a, "AAAA": self.aaaa, "PTR": self.ptr}.get(kind, {}).get(name)
        if any(name == one or name.endswith(f".{one}") for one in self.servfail):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif found is not None:
            response.answer.append(dns.rrset.from_text(question.name, _TTL, "IN", kind, found))
        elif not any(name in names for names in (self.mx, self.a, self.aaaa, self.ptr, self.empty)):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()


def _reversed(address: str) -> str:
    return ".".join(reversed(address.split("."))) + ".in-addr.arpa"


class Rules:
    """Who is refused how: by the address that was connected to, or by the recipient."""

    def __init__(self, facts: Table) -> None:
        """Spread the scenarios over hosts and recipients."""
        self.by_host: dict[str, Scenario] = {}
        self.by_recipient: dict[str, Scenario] = {}
        self.names: dict[str, str] = {COLLECTOR: f"in.{LISTS}"}
        self.names |= {_SIXES[what]: f"mx.{domain}" for domain, what in facts.domains.items() if what in _SIXES}
        hosts = facts.hosts()
        self.names |= {address: f"mx.{domain}" for domain, address in hosts.items()}
        for one in facts.scenarios.values():
            for to in (*one.to, *one.becomes):
                self.by_recipient[to.lower()] = one
                address = hosts.get(to.rpartition("@")[2].encode("idna").decode())
                if address and one.at in {"connect", "ehlo", "mail", "drop-connect"} | _TLS:
                    self.by_host[address] = one


class Session(socketserver.StreamRequestHandler):
    """One SMTP session of a Server."""

    server: Server
    timeout = 60
    late = ""

    def handle(self) -> None:
        """Speak until QUIT, the end of the connection, or the place where it is to be cut."""
        self.here = self.request.getsockname()[0]
        self.name = self.server.rules.names[self.here]
        self.host = self.server.rules.by_host.get(self.here)
        self.accepted: list[str] = []
        self.refused_late: bytes | None = None
        try:
            if self._greet():
                while self._command(self.rfile.readline(4096)):
                    pass
        except (OSError, ConnectionError):
            pass

    def _say(self, line: str | bytes) -> None:
        self.wfile.write(line if isinstance(line, bytes) else line.encode() + b"\r\n")

    def _at(self, place: str) -> bytes | None:
        """Return what this host says to everybody at a place, None where it has nothing against them."""
        return self.host.answer("") if self.host is not None and self.host.at == place else None

    def _greet(self) -> bool:
        if self.host is not None and self.host.at == "drop-connect":
            return False
        refusal = self._at("connect")
        self._say(refusal or f"220 {self.name} ESMTP")
        if refusal is None:
            return True
        self.rfile.readline(4096)  # RFC 7504 3: the server waits for QUIT
        self._say(f"221 {self.name} closing")
        return False

    def _command(self, line: bytes) -> bool:
        verb, _, rest = line.decode("utf-8", "surrogateescape").strip().partition(" ")
        verb = verb.upper()
        if not line or verb == "QUIT":
            self._say("221 2.0.0 Bye") if line else None
            return False
        if verb in {"EHLO", "HELO"}:
            self._hello(verb)
        elif verb == "MAIL":
            self.accepted, self.refused_late = [], None
            self._say(self._at("mail") or "250 2.1.0 Ok")
        elif verb == "RCPT":
            return self._recipient(rest)
        elif verb == "DATA":
            return self._data()
        elif verb == "STARTTLS" and self._has_tls():
            return self._start_tls()
        else:
            self._say("250 2.0.0 Ok" if verb in {"RSET", "NOOP"} else "502 5.5.2 Error: command not recognized")
        return True

    def _hello(self, verb: str) -> None:
        utf8 = "250-SMTPUTF8\r\n" if self.name.startswith(("mx.xn--", "in.")) else ""
        tls = "250-STARTTLS\r\n" if self._has_tls() else ""
        refusal = self._at("ehlo")
        self._say(refusal or (f"250-{self.name}\r\n250-8BITMIME\r\n{utf8}{tls}250 ENHANCEDSTATUSCODES" if verb == "EHLO" else f"250 {self.name}"))

    def _has_tls(self) -> bool:
        return self.host is not None and self.host.at in _TLS and not isinstance(self.connection, ssl.SSLSocket)

    def _start_tls(self) -> bool:
        refusal = self._at("starttls")
        self._say(refusal or "220 2.0.0 Ready to start TLS")
        if refusal:
            return True
        if self._at("drop-tls") is not None:
            self.connection.recv(4096)
            self._say(_HANDSHAKE_FAILURE)
            return False
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        return True

    def _recipient(self, rest: str) -> bool:
        recipient = rest.partition(":")[2].strip().partition(">")[0].lstrip("<")
        one = self.server.rules.by_recipient.get(recipient.lower())
        if one is not None and one.at == "drop-rcpt":
            return False
        refusal = one.answer(recipient) if one is not None and one.at == "rcpt" else b""
        if one is not None and one.at in {"body", "drop-body", "data"}:
            self.refused_late = one.answer(recipient) if one.at != "drop-body" else b""
            self.late = one.at
        if not refusal:
            self.accepted.append(recipient)
        self._say(refusal or "250 2.1.5 Ok")
        return True

    def _data(self) -> bool:
        if not self.accepted:
            self._say("554 5.5.1 Error: no valid recipients")
            return True
        if self.refused_late and self.late == "data":
            self._say(self.refused_late)
            return True
        self._say("354 End data with <CR><LF>.<CR><LF>")
        body = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            body.append(line[1:] if line.startswith(b".") else line)
        if self.refused_late == b"":
            return False
        if self.refused_late is None:
            self._store(b"".join(body))
        self._say(self.refused_late or "250 2.0.0 Ok: queued as 4C1F2A01")
        self.accepted, self.refused_late = [], None
        return True

    def _store(self, body: bytes) -> None:
        for recipient in (one for one in self.accepted if one.endswith(f"@{LISTS}")):
            name = f"{next(self.server.numbers):03} {recipient}"
            part = self.server.spool / f".{name}"
            part.write_bytes(body.replace(b"\r\n", b"\n"))
            part.rename(self.server.spool / name)


class Server(socketserver.ThreadingTCPServer):
    """The SMTP server of one address."""

    allow_reuse_address = True
    daemon_threads = True
    numbers = count(1)

    def __init__(self, address: str, rules: Rules, spool: Path, tls: ssl.SSLContext) -> None:
        """Listen on port 25."""
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.rules = rules
        self.spool = spool
        self.tls = tls
        super().__init__((address, _PORT), Session)


def _self_signed() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = f"{folder}/key", f"{folder}/certificate"
        made = ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=mx.example.org", "-keyout", key, "-out", certificate]
        subprocess.run(made, check=True, capture_output=True)  # noqa: S603  our own words
        context.load_cert_chain(certificate, key)
    return context


def _resolve(zone: Zone) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind((GATEWAY, 53))
        while True:
            wire, client = udp.recvfrom(4096)
            try:
                udp.sendto(zone.answer(wire), client)
            except Exception as error:  # noqa: BLE001  one odd query must not end the name service
                sys.stderr.write(f"dns: {error}\n")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)  # noqa: S603, S607  our own words


def _come_up() -> None:
    """Wait for our end of the link, then take the addresses of the internet."""
    deadline = time.monotonic() + 10
    while subprocess.run(["ip", "link", "show", LINK], capture_output=True, check=False).returncode:  # noqa: S603, S607  our own words
        if time.monotonic() > deadline:
            msg = f"no link {LINK} appeared"
            raise SystemExit(msg)
        time.sleep(0.05)
    _ip("link", "set", "lo", "up")
    _ip("addr", "add", f"{GATEWAY}/24", "dev", LINK)
    _ip("link", "set", LINK, "up")
    _ip("route", "add", "local", "198.51.100.0/24", "dev", "lo")
    _ip("route", "add", "local", "203.0.113.0/26", "dev", "lo")
    _ip("route", "add", "local", f"{_SPECIAL['refused']}/32", "dev", "lo")
    _ip("addr", "add", f"{GATEWAY_SIX}/64", "dev", LINK, "nodad")
    for address in _SIXES.values():
        _ip("addr", "add", f"{address}/128", "dev", "lo", "nodad")
    _ip("route", "add", "unreachable", f"{_SPECIAL['unreachable']}/32")
    _ip("route", "add", "blackhole", f"{_SPECIAL['blackhole']}/32")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")


def main(spool: Path) -> None:
    """Serve until the namespace ends."""
    _come_up()
    facts = table()
    rules = Rules(facts)
    threading.Thread(target=_resolve, args=(Zone(facts),), daemon=True).start()
    tls = _self_signed()
    for address in (*facts.hosts().values(), COLLECTOR, _SIXES["ipv6"]):
        threading.Thread(target=Server(address, rules, spool, tls).serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
