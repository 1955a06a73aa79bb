"""A site of Mailman with a list and its members, made once; each test that changes it works on a copy."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import mailmanclient
import pytest

from tests.mailman.bounces import MEMBERS
from tests.mailman.host import PASSWORD, Mailman, environment, our_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Site = Callable[..., Mailman]


def client(mailman: Mailman) -> mailmanclient.Client:
    """Mailman's own client of its REST API, once that answers."""
    found = mailmanclient.Client(mailman.url, "restadmin", PASSWORD)

    def answers() -> bool:
        try:
            return bool(found.system)
        except mailmanclient.MailmanConnectionError:
            return False

    mailman.until(answers, "its REST API does not answer")
    return found


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Mailman:
    """A site with the list garden, and shed, as its database was left; nothing of it runs."""
    folder = tmp_path_factory.mktemp("mailman")
    programs = environment()
    mailman = Mailman(programs, our_code(folder / "code"), folder / "made")
    shutil.copy(Path(__file__).with_name("killing.py"), folder / "code")
    mailman.start("rest", alone=True)
    try:
        domain = client(mailman).create_domain("lists.example.com")
        for name in ("garden", "shed"):
            one = domain.create_list(name)
            one.settings.update({"bounce_score_threshold": 2, "send_welcome_message": False, "forward_unrecognized_bounces_to": "administrators"})
            one.settings.save()
            for member in MEMBERS:
                one.subscribe(member, pre_verified=True, pre_confirmed=True, pre_approved=True)
    finally:
        mailman.stop()
    return mailman


@pytest.fixture
def site(made: Mailman, tmp_path: Path) -> Iterator[Site]:
    """Give a copy of the site: site("name", bounces=..., settings=...); it is stopped at the end."""
    copies: list[Mailman] = []

    def give(name: str, **given: str) -> Mailman:
        copies.append(made.copy(tmp_path / name, **given))
        return copies[-1]

    yield give
    for one in copies:
        one.stop()
