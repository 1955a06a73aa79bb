"""schemathesis asks whatever the document allows, and what it forbids: nothing ends in a fault of ours, and what is answered is as documented."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.web.posting import Served
from tests.web.test_api import ALL, SLOW, TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("BOUNCECLASS_EXAMPLES", "25"))
CHECKS: Any = [not_a_server_error, content_type_conformance, response_schema_conformance]
ROUTES = [
    ("POST", "/v1/classify"),
    ("GET", "/v1/suppressions"),
    ("POST", "/v1/suppressions"),
    ("DELETE", "/v1/suppressions"),
    ("GET", "/v1/suppressions/check"),
    ("GET", "/v1/suppressions/why"),
    ("POST", "/v1/sent"),
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("document")
    (folder / "slow.token").write_text(SLOW)
    with Served(folder, more=TOKENS, environment={"ALL_TOKEN": ALL}) as served:
        yield schemathesis.openapi.from_url(f"{served.url}/openapi.json")
        assert "could not be answered" not in served.log


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_request_ends_in_a_fault_of_ours(schema: Any, method: str, path: str, mode: GenerationMode) -> None:
    asked: set[int] = set()

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def check(case: Any) -> None:
        asked.add(case.call_and_validate(headers={"Authorization": f"Bearer {ALL}"}, checks=CHECKS).status_code)

    check()
    assert asked <= {200, 400, 401, 404, 405, 413, 415}, asked


def test_the_document_has_no_other_route(schema: Any) -> None:
    assert {(found.ok().method.upper(), found.ok().path) for found in schema.get_all_operations()} == set(ROUTES)
