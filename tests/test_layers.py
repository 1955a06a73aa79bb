"""A module imports only what stands above it: a total order, so there are no cycles to argue about."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bounceclass

PACKAGE = Path(bounceclass.__file__).parent

# The doors, `__init__` and `__main__`, are exempt.
ORDER = (
    "errors", "model", "settings", "secret", "history", "protocols",
    "addresses", "controls", "spots", "codes", "compiled", "literals", "phases", "transcript", "particulars", "knowledge", "packs", "landmarks", "backtracking", "packcheck", "templates", "explain",
    "translate", "export.patterns", "export.texts", "export.orders", "export.conditions", "export.rows", "export.kumomta", "export.powermta", "export.zonemta",
    "mime.charsets", "mime.parsers", "mime.headers", "mime.split", "returned", "message",
    "fields", "quotation", "dsn", "feedback", "receipt", "autoreply", "noticewords", "mentions", "prose", "statement", "notice", "formats.unix", "formats.groupware", "formats.webmail", "formats.gateways", "formats.suites", "formats.servers", "formats.carriers", "reader", "logs.record", "logs.stamps", "logs.escapes", "logs.syslog", "logs.postfix", "logs.sendmail", "logs.opensmtpd", "logs.exim", "logs.journal", "logs.accounting", "logs.reader", "logs.joining",
    "reservations", "judge", "payload", "signing", "http", "remotelist", "esp", "testing", "hookspecs", "isolation", "refinement", "confinement", "installed", "plugins", "confined", "sources.segments", "sources.files", "sources.location", "sources.holding", "sources.maildir", "sources.spool", "sources.listener", "sources.webhooks", "sources.mbox", "sources.log", "sources.journal", "sources.account", "sources.login", "sources.imapsession", "sources.imap", "sources.pop3session", "sources.pop3", "targets", "builtin", "eventkey", "engine", "crew", "crewed",
    "wrapping", "tags", "trust", "filtering",
    "domains", "presets", "repetition", "case", "protection", "policy", "incident",
    "store.naming", "store.schema", "store.statements", "store.records", "store.connection", "store.migrations.env", "store.migrations.versions.v0001_ledger", "store.migrations.versions.v0002_brake", "store.migrations.versions.v0003_deliveries", "store.migrations.versions.v0004_streams", "store.migrations.versions.v0005_queued", "store.migration",
    "store.figures", "store.past", "store.entries", "store.inquiry", "store.rejudgement", "store.sightings", "store.brake", "store.sentlog", "store.outbox", "store.backlog", "store.erasure", "store.ledger", "store.survey", "store.database",
    "domaincheck", "breaker", "outgoing", "byhand", "comparison", "batches", "syncing", "bookkeeping", "observation", "waiting", "runner", "filter", "mta",
    "config", "assembly", "rehearsal", "replay", "vendorlists", "listforms",
    "summary.contents", "summary.links", "summary.fixes", "summary.unknowns", "summary.charts", "summary.compiling", "summary.wording", "summary.markup", "summary.figures", "summary.html", "web.problems", "web.metrics", "web.gate", "web.instances", "web.memory", "web.intake", "web.posts", "web.tokens", "web.shapes", "web.document", "web.verdicts", "web.listing", "web.state", "web.app", "web.server",
    "service.concealment", "service.log", "service.decisions", "service.notify", "service.places", "service.health", "service.metrics", "service.port", "service.monitor", "service.supervision",
    "cli.terminal", "cli.session", "cli.output", "cli.prose", "cli.diff", "cli.classify", "cli.unknowns", "cli.tag", "cli.verify", "cli.reply", "cli.explain", "cli.compare", "cli.check", "cli.rules", "cli.plugins", "cli.live", "cli.lasting", "cli.deliver", "cli.run", "cli.serve", "cli.filter", "cli.stored", "cli.mta", "cli.suppressions", "cli.sync", "cli.undo", "cli.erase", "cli.replay", "cli.incidents", "cli.quarantine", "cli.summarytext", "cli.summary", "cli.outbox", "cli.init", "cli.config", "cli.completion", "cli.main",
)  # fmt: skip


def modules() -> list[str]:
    paths = (path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py"))
    return sorted(".".join(path.parts) for path in paths if not path.name.startswith("__"))


def imports(name: str) -> set[str]:
    tree = ast.parse((PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "bounceclass":
            inner = node.module.partition(".")[2]
            found |= {f"{inner}.{alias.name}".strip(".") for alias in node.names} | {inner}
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[2] for alias in node.names if alias.name.startswith("bounceclass.")}
    return found & set(ORDER)


def test_every_module_has_its_place() -> None:
    assert modules() == sorted(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_downward(name: str) -> None:
    above = set(ORDER[: ORDER.index(name)])
    assert imports(name) - above == set()
