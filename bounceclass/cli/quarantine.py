"""`bounceclass quarantine`: inputs that could not be processed, why, and another try."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bounceclass.assembly import open_sources
from bounceclass.cli.session import current
from bounceclass.cli.stored import said_at, told
from bounceclass.cli.terminal import complain
from bounceclass.errors import InputError
from bounceclass.protocols import Item
from bounceclass.sources.imap import Imap
from bounceclass.sources.journal import Journal
from bounceclass.sources.log import Log, reread
from bounceclass.sources.maildir import reason_file
from bounceclass.sources.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bounceclass.protocols import Source

__all__ = ["command", "files_of", "why_of"]

ON_SERVER: Final = (
    "{url}: what is in quarantine is in its folder {folder} on the server, not here. A mail program shows it, the log of the run says why; "
    "what is moved back is tried again"
)


@click.group()
def command() -> None:
    """Show inputs that could not be processed, and try them again."""


@command.command("list")
@click.argument("urls", nargs=-1, metavar="[SOURCE]...")
def list_(urls: tuple[str, ...]) -> int:
    """List what is in quarantine: the file, since when, and why."""
    for path in _files(urls):
        at = datetime.fromtimestamp(path.stat().st_ctime, UTC)
        told(f"{path}  {said_at(at)}  {why_of(path)}")
    return 0


@command.command()
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path) -> int:
    """Say why a file is there, and print its head."""
    _refuse_servers(path)
    try:
        with path.open("rb") as file:
            head = file.read(8192)
    except OSError as error:
        raise InputError(str(path), error.strerror or str(error)) from error
    told(why_of(path))
    told("")
    for line in head.decode("utf-8", "backslashreplace").splitlines():
        told(line)
    return 0


@command.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option("--all", "everything", is_flag=True, help="All that is there.")
def retry(paths: tuple[Path, ...], everything: bool) -> int:  # noqa: FBT001  click's signature
    """Process files again, here and now. What succeeds is taken out; exit code 1 if anything stays."""
    from bounceclass.assembly import opened  # noqa: PLC0415  the whole library

    _refuse_servers(*paths)
    chosen = list(_files(())) if everything else list(paths)
    if not chosen:
        if everything:
            return 0
        msg = "give files, or --all"
        raise click.UsageError(msg)
    left = 0
    readers = _readers(_sources(()))
    with opened(current().settings, current().named, ()) as parts:
        for path in chosen:
            try:
                decisions = parts.runner.handle(_item(path, readers.get(path.parent.parent)))
                path.unlink()
                reason_file(path.parent.parent, path.name).unlink(missing_ok=True)
                told(f"{path}: {', '.join(decision.action for decision in decisions) or 'nothing new'}")
            except Exception as error:  # noqa: BLE001  what ended it before may do so again: the file stays
                left += 1
                complain(f"{path}: stays: {type(error).__name__}: {error}")
        parts.runner.run((), once=True)
    return 1 if left else 0


def _readers(sources: Iterable[Source]) -> dict[Path, Callable[[Item], Item]]:
    """Return what reads the files of a quarantine that are no mails."""
    found: dict[Path, Callable[[Item], Item]] = {}
    for source in sources:
        if isinstance(source, (Journal, Log)):
            found[source.quarantine] = _line
        elif isinstance(source, Webhooks):
            found[source.quarantine] = source.read
    return found


def _line(item: Item) -> Item:
    return reread(item.raw, item.source, item.received_at or datetime.now(UTC))


def _item(path: Path, read: Callable[[Item], Item] | None) -> Item:
    item = Item(raw=path.read_bytes(), source=str(path), received_at=datetime.fromtimestamp(path.stat().st_mtime, UTC))
    return read(item) if read else item


def _files(urls: tuple[str, ...]) -> Iterator[Path]:
    """Yield what is in quarantine; say of mailboxes on servers that they have it there."""
    for source in _sources(urls):
        if isinstance(source, Imap):
            complain(ON_SERVER.format(url=source.url, folder=source.quarantine))
        yield from files_of(source)


def _sources(urls: tuple[str, ...]) -> Iterator[Source]:
    session = current()
    yield from open_sources(urls or session.settings.run.sources, session.engine().plugins, session.settings)


def files_of(source: Source) -> list[Path]:
    """Return what is in quarantine of a source, where it keeps one as a Maildir."""
    folder = getattr(source, "quarantine", None)
    return sorted(path for path in (folder / "cur").glob("*") if path.is_file()) if isinstance(folder, Path) else []


def _refuse_servers(*paths: Path) -> None:
    """Say what to do instead of naming a mailbox on a server for a file."""
    for path in paths:
        scheme = str(path).partition(":")[0]
        if scheme in {"imap", "imaps"}:
            source = f"{scheme}://..."
            raise InputError(source, "quarantine is a folder on the server: a mail program shows it; what is moved back is tried again")


def why_of(path: Path) -> str:
    """Return why a file is in quarantine."""
    try:
        return reason_file(path.parent.parent, path.name).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "why isn't known"
