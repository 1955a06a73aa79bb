from __future__ import annotations

import msgspec
import pytest

from bounceclass import knowledge
from bounceclass.errors import KnowledgeError
from bounceclass.model import COMMANDS, Advice, Permanence, Reason, Scope

CODES = msgspec.toml.decode(knowledge.data_file("codes.toml"))
ADVICE = msgspec.toml.decode(knowledge.data_file("advice.toml"))

# smtp codes: does x.y.z suppress (Y), count (S), take the domain (D) or nothing (N), as 5.y.z and as 4.y.z.
COLUMNS = {
    "x.0.0": "NN", "x.1.0": "SN", "x.1.1": "YS", "x.1.2": "DS", "x.1.3": "YS", "x.1.4": "SN", "x.1.6": "YS", "x.1.7": "NN", "x.1.8": "NN",
    "x.1.9": "NN", "x.1.10": "YN", "x.2.0": "SN", "x.2.1": "SN", "x.2.2": "SS", "x.2.3": "NN", "x.2.4": "SN", "x.3.0": "NN", "x.3.1": "NN",
    "x.3.2": "NN", "x.3.3": "NN", "x.3.4": "NN", "x.3.5": "NN", "x.3.6": "NN", "x.4.4": "SS", "x.4.6": "SS", "x.4.7": "SS",
    **{f"x.5.{detail}": "NN" for detail in range(7)}, **{f"x.6.{detail}": "NN" for detail in range(11)},
    **{f"x.7.{detail}": "NN" for detail in range(31) if detail not in {17, 18}}, "x.7.17": "YN", "x.7.18": "DN",
}  # fmt: skip
ADVICE_OF = {"Y": "suppress", "D": "suppress", "S": "count"}


def test_every_word_of_the_data_is_one_of_the_contract() -> None:
    for rows in (CODES["reply"], CODES["status"]):
        for name, row in rows.items():
            for meaning in (row, row.get("transient", {})):
                assert meaning.get("reason", "spam") in set(Reason), name
                assert meaning.get("scope", "none") in set(Scope), name
            assert set(row.get("answers", [])) <= set(COMMANDS), name
    words = [reason.value for reason in Reason]
    assert list(ADVICE["reasons"]) == [*words[:36], words[-1], *words[36:-1]]
    for reason, scopes in ADVICE["reasons"].items():
        assert set(scopes) <= set(Scope), reason
        advised = {word for advice in scopes.values() for word in (advice.values() if isinstance(advice, dict) else [advice])}
        assert advised <= set(Advice), reason


@pytest.mark.parametrize(("name", "columns"), COLUMNS.items())
def test_a_status_alone_calls_for_what_the_standards_and_the_wild_allow(name: str, columns: str) -> None:
    table, fact = knowledge.advice_table(), knowledge.codes().status[name]
    for class_, permanence, column in ((5, Permanence.PERMANENT, columns[0]), (4, Permanence.TRANSIENT, columns[1])):
        meaning = fact.meaning(class_)
        advice = table.advice(meaning.reason, meaning.scope, permanence, 0.4 if fact.generic else 0.8)
        assert (advice if advice in {"suppress", "count"} else "neither") == ADVICE_OF.get(column, "neither")


def test_the_scope_of_a_reason_depends_on_who_says_it_and_whether_it_is_final() -> None:
    table = knowledge.advice_table()
    assert table.scope(Reason.NETWORK_ERROR, final=False, own=False) is Scope.SYSTEM
    assert table.scope(Reason.NETWORK_ERROR, final=True, own=False) is Scope.DOMAIN
    assert table.scope(Reason.GREYLISTED, final=True, own=False) is Scope.SENDER
    assert table.scope(Reason.RELAY_DENIED, final=True, own=True) is Scope.SENDER
    assert table.scope(Reason.RELAY_DENIED, final=True, own=False) is Scope.DOMAIN


def test_a_data_file_that_is_not_there_is_an_error_that_names_it() -> None:
    with pytest.raises(KnowledgeError, match=r"none\.toml"):
        knowledge.data_file("none.toml")
