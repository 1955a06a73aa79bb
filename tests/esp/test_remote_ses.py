"""What boto3 sends to SES, by botocore's own model of the service, and what follows from the answers."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.validate import ParamValidator

from bounceclass.errors import Refused, Retry
from bounceclass.model import Reason
from tests.esp.loopback import Answer, Asked, Server, path_of
from tests.esp.remotes import ADDRESS, GONE, SECRET, acting, entry

PATH = GONE[1:].replace("@", "%40")
COMPLAINT = Answer(body={"SuppressedDestination": {"EmailAddress": ADDRESS, "Reason": "COMPLAINT", "LastUpdateTime": 1773057600}})


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def operation_of(asked: Asked) -> tuple[str, dict[str, str]]:
    """Find a request in botocore's model of SES v2, and check its input by it."""
    model = botocore.session.get_session().get_service_model("sesv2")
    for name in model.operation_names:
        operation = model.operation_model(name)
        uri = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(operation.http["requestUri"]))
        found = re.fullmatch(uri, path_of(asked))
        if found and operation.http["method"] == asked.method and operation.input_shape is not None:
            given = {**found.groupdict(), **(asked.body or {})}
            report = ParamValidator().validate(given, operation.input_shape)
            assert not report.has_errors(), report.generate_report()
            return name, given
    raise AssertionError(asked)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(("reason", "word"), [(Reason.USER_UNKNOWN, "BOUNCE"), (Reason.COMPLAINT, "COMPLAINT"), (Reason.UNSUBSCRIBE, "COMPLAINT")])
def test_ses_is_asked_as_its_model_says(reason: Reason, word: str, server: Server) -> None:
    plugin = acting("ses", server)
    plugin.bounceclass_suppress(suppression=entry(reason=reason), key="k1")
    plugin.bounceclass_release(suppression=entry(reason=reason), key="k2")
    look = [("GetSuppressedDestination", {"EmailAddress": PATH})] if word == "BOUNCE" else []
    assert [operation_of(one) for one in server.asked] == [
        *look,
        ("PutSuppressedDestination", {"EmailAddress": ADDRESS, "Reason": word}),
        *look,
        ("DeleteSuppressedDestination", {"EmailAddress": PATH}),
    ]
    assert server.asked[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 ")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(429, {"message": "slow"}, (("x-amzn-errortype", "TooManyRequestsException"),)), Retry),
        (Answer(500), Retry),
        (Answer(503), Retry),
        (Answer(fault="hang"), Retry),
        (Answer(fault="cut"), Retry),
        (Answer(400, {"message": f"{ADDRESS} is odd"}, (("x-amzn-errortype", "BadRequestException"),)), Refused),
        (Answer(403, {"message": "no"}, (("x-amzn-errortype", "AccessDeniedException"),)), Refused),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_ses_s_answer_leads_to(answer: Answer, error: type[Exception], server: Server) -> None:
    server.answers = [answer]
    with pytest.raises(error) as caught:
        acting("ses", server).bounceclass_suppress(suppression=entry(), key="k1")
    assert len(server.asked) == 1
    assert SECRET not in str(caught.value)
    assert ADDRESS not in str(caught.value)


@pytest.mark.usefixtures("credentials")
def test_what_ses_does_not_hold_is_released(server: Server) -> None:
    server.answers = [Answer(404, {"message": "no"}, (("x-amzn-errortype", "NotFoundException"),))] * 2
    acting("ses", server).bounceclass_release(suppression=entry(), key="k1")
    assert [one.method for one in server.asked] == ["GET", "DELETE"]


@pytest.mark.usefixtures("credentials")
def test_a_complaint_that_ses_knows_of_is_neither_overwritten_nor_lifted_by_a_bounce(server: Server) -> None:
    server.answers = [COMPLAINT, COMPLAINT]
    plugin = acting("ses", server)
    plugin.bounceclass_suppress(suppression=entry(), key="k1")
    plugin.bounceclass_release(suppression=entry(), key="k2")
    assert [one.method for one in server.asked] == ["GET", "GET"]
