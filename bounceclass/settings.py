"""Options and limits: frozen, typed, and all in one place.

Sizes are in bytes unless a name says otherwise. The limits hold what hostile mail may cost
(nesting, parts, headers, text), so that any input up to 10 MB is read in bounded time and memory.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

__all__ = [
    "DEFAULT",
    "ApiSettings",
    "KeySource",
    "Limits",
    "LogSettings",
    "RunSettings",
    "SecretSource",
    "Settings",
    "StoreSettings",
    "TokenSettings",
    "TrustSettings",
    "WebSettings",
    "without_policy",
]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of a message is looked at. What is cut is named among the Report's defects."""

    message: int = 32 * 1024 * 1024
    """A larger message is read only up to `head`."""
    head: int = 1024 * 1024
    parts: int = 200
    """MIME parts, containers too."""
    depth: int = 10
    """Containers within containers."""
    headers: int = 1000
    """Header fields of one block."""
    header_block: int = 256 * 1024
    header_value: int = 4096
    text: int = 16 * 1024
    """Of a notice for people, decoded characters."""
    status: int = 2 * 1024 * 1024
    """Of all machine-readable parts together."""
    recipients: int = 5000
    """Recipients of one report."""
    diagnostic: int = 8 * 1024
    """Characters of one recipient's diagnostic."""
    rule_text: int = 2048
    """Characters of a diagnostic that rules are run on."""
    rule_texts: int = 256 * 1024
    """Of all diagnostics of a report; where they have more, rules are run on less of each, but never on less than 256."""
    encoded_words: int = 50
    """Encoded words of one header value."""
    hook_seconds: float = 30.0
    """How long a told or acting hook may take; a plugin that hangs is given up."""
    refine_seconds: float = 0.25
    """A refining plugin that takes longer than this three times is switched off."""


class SecretSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is: in the settings themselves, in a file, or in a variable of the environment."""

    secret: str | None = None
    file: str | None = None
    variable: str | None = None

    def __repr__(self) -> str:
        """Keep the secret out of logs."""
        return "SecretSource()"


class KeySource(SecretSource, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the secret of a key is."""

    id: int

    def __repr__(self) -> str:
        """Keep the secret out of logs."""
        return f"KeySource(id={self.id})"


class TrustSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is ours, and whom we believe."""

    keys: tuple[KeySource, ...] = ()
    """The first makes tags; all of them verify. Keep an old one until its last tag is `answer_days` old."""
    return_path: str | None = None
    """The address that tags are put into."""
    separator: Literal["+", "-", "="] = "+"
    """What stands between its local part and the tag."""
    longest: int = 64
    """Octets of a local part; 48 where the MTA puts BATV (`prvs=...=`) before it."""
    bounce_days: int = 30
    """How long a tag holds for a bounce."""
    answer_days: int = 180
    """How long it holds for a complaint or an unsubscribe."""
    domains: tuple[str, ...] = ()
    """Domains that we send as; `.example.com` means every one below it."""
    own_networks: tuple[str, ...] = ()
    """Networks whose hosts are ours, such as `192.0.2.0/28`: a hop from there is none from outside."""
    dkim_keys: dict[str, str] = {}
    """Our public keys, as published: {"s1._domainkey.example.com": "v=DKIM1; k=rsa; p=..."}."""
    authserv_ids: tuple[str, ...] = ()
    """Under which names our MX writes Authentication-Results (RFC 8601). It must remove such fields from what comes in (section 5)."""
    feedback_sources: tuple[str, ...] = ()
    """Who may report complaints: a domain, or one address where anybody may have an address in the domain."""


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where history lives."""

    url: str | None = None
    """`sqlite:////var/lib/bounceclass/bounces.db` or `postgresql://USER@HOST/NAME`."""
    hash_key: SecretSource | None = None
    """With it, addresses are kept as their HMAC; docs/store.md says what that costs."""
    keep_domains: bool = False
    """Whether their domains stay readable then."""
    patience: float = 10.0
    """How many seconds a lock is waited for."""


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `bounceclass run` works."""

    sources: tuple[str, ...] = ()
    """Where bounces arrive: `maildir:/var/mail/bounces`, `mbox:/var/mail/bounces.mbox`, `imaps://USER@SERVER/INBOX?password=env:NAME`."""
    poll_seconds: float = 30.0
    """How long it waits before it looks again."""
    batch: int = 200
    """How many inputs share one commit."""
    resolvers: tuple[str, ...] = ()
    """Name servers that are asked before a whole domain is suppressed, at least two; by default those of this machine."""
    metrics: str | None = None
    """IP address and port where `/metrics` and `/health` are served, such as `127.0.0.1:9464`."""
    backlog_seconds: float = 3600.0
    """A plugin's call that has waited longer in the outbox is a fault that `/health` tells."""


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run writes to standard error."""

    format: Literal["text", "json"] = "text"
    level: Literal["debug", "info", "warning", "error"] = "info"
    addresses: Literal["hashed", "shown", "hidden"] = "hashed"
    """What becomes of addresses, whoever wrote the line."""


class WebSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `bounceclass serve` works."""

    host: str = "127.0.0.1"
    """Where it listens: behind the proxy that speaks TLS."""
    port: int = 8027
    spool: str | None = None
    """Where webhooks are stored before they are answered; `run` reads it as `webhooks:FOLDER`."""
    body: int = 5 * 1024 * 1024
    """Octets of a request's body."""
    in_flight: int = 64
    """Requests that are worked on at once; more are asked to come again."""
    spool_deliveries: int = 20_000
    """Deliveries that may wait in the spool; more are asked to come again."""
    spool_octets: int = 2 * 1024 * 1024 * 1024
    """The same in octets."""
    head_seconds: float = 10.0
    """How long the head of a request may take to come."""
    body_seconds: float = 30.0
    """How long its body may take."""
    remember_hours: float = 72.0
    """How long a delivery is remembered, so that its repetition counts for nothing."""


class TokenSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may use the API, and what for."""

    token: SecretSource | None = None
    """Where the token is."""
    sha256: str | None = None
    """Or its SHA-256 in hexadecimal digits, for who would rather not keep it."""
    scopes: tuple[Literal["classify", "suppressions:read", "suppressions:write", "sent"], ...] = ()
    rate: int = 600
    """Requests a minute."""


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The API of `bounceclass serve`. Without tokens nobody may use it."""

    tokens: dict[str, TokenSettings] = {}


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an Engine is built from."""

    limits: Limits = Limits()
    parser: str = "flanker"
    """The MIME parser: `flanker`, `stdlib` or one of a plugin."""
    packs: tuple[str, ...] = ()
    """Paths of rule packs; the first is asked first, all of them before our own."""
    keep_headers: tuple[str, ...] = ()
    """Names of headers of the returned original that the Report shall carry."""
    own_hosts: tuple[str, ...] = ()
    """Host names of our own mail servers; `.example.com` means every host below it."""
    plugins: dict[str, dict[str, Any]] = {}
    """Plugins that are on, with their settings: {"file": {"path": "dead.csv"}}. `enabled = false` switches one off."""
    trust: TrustSettings = TrustSettings()
    """How a report is known to be about mail of ours."""
    store: StoreSettings = StoreSettings()
    """Where history lives."""
    run: RunSettings = RunSettings()
    """How `bounceclass run` works."""
    log: LogSettings = LogSettings()
    """What it writes to standard error."""
    web: WebSettings = WebSettings()
    """How `bounceclass serve` works."""
    api: ApiSettings = ApiSettings()
    """Who may use its API."""
    isolate: Literal["thread", "process"] = "thread"
    """Where plugins refine: inline, where one that hangs can't be stopped, or in a child process, which can be killed."""


def without_policy(settings: Settings) -> Settings:
    """Return what an Engine needs of settings that may be a whole configuration, as it is sent to another process."""
    return Settings(**{name: getattr(settings, name) for name in Settings.__struct_fields__})


DEFAULT: Final = Settings()
