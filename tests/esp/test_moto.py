"""SNS messages that moto signs, as AWS does, verify, and what is changed in them does not; an SQS queue that moto keeps is a source."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.errors import InputError, SettingsError
from tests.esp.signers import paths

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

moto = pytest.importorskip("moto")
requests = importlib.import_module("requests")
REGION = "eu-west-1"
EVENT = {"eventType": "Bounce", "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [{"emailAddress": "ruth@example.net"}]}}


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, bytes, Any]]:
    """A topic, what it sends to a queue, and a verifier that fetches the certificate from moto."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with moto.mock_aws():
        topic = boto3.client("sns", REGION).create_topic(Name="bounces")["TopicArn"]
        sqs = boto3.client("sqs", REGION)
        queue = sqs.create_queue(QueueName="bounces")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        boto3.client("sns", REGION).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        boto3.client("sns", REGION).publish(TopicArn=topic, Message=json.dumps(EVENT))  # a subject moto would leave unsigned
        (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        sns = importlib.import_module("bounceclass_ses.sns").Sns(lambda url: requests.get(url, timeout=5).content)
        yield topic, message["Body"].encode(), importlib.import_module("bounceclass_ses").webhook(sns)


def test_a_message_that_is_signed_by_moto_is_believed_and_a_changed_one_is_not(posted: tuple[str, bytes, Any]) -> None:
    topic, body, webhook = posted
    now = datetime.now(UTC)
    assert webhook.verify({}, body, (topic,), now) is True
    assert webhook.verify({}, body, ("arn:aws:sns:eu-west-1:1:other",), now) is False
    assert webhook.verify({}, body, (topic,), now + timedelta(hours=2)) is False
    message = json.loads(body)
    for name in ("Message", "MessageId", "Timestamp", "Signature"):
        changed = json.dumps({**message, name: message[name].replace("a", "b").replace("e", "f").replace("0", "1")}).encode()
        assert webhook.verify({}, changed, (topic,), now) is False, name
    assert [event.recipient for report in webhook.parse(body) for event in report.events] == ["ruth@example.net"]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, str, str]]:
    """SQS with two queues: the client, and their URLs."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with moto.mock_aws():
        sqs = boto3.client("sqs", REGION)
        yield sqs, sqs.create_queue(QueueName="bounces")["QueueUrl"], sqs.create_queue(QueueName="dead")["QueueUrl"]


def opened_source(url: str) -> Any:
    ses = importlib.import_module("bounceclass_ses")
    return ses.plugin(ses.Settings()).bounceclass_source(url=url)


def left(sqs: Any, url: str) -> tuple[int, int]:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])


def test_a_queue_is_read_and_emptied(queue: tuple[Any, str, str]) -> None:
    sqs, url, _ = queue
    for number in range(23):
        event = {**EVENT, "mail": {"messageId": f"m{number}"}}
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event if number % 2 else {"Type": "Notification", "Message": json.dumps(event)}))
    source = opened_source(f"sqs:{url}?stream=ses:eu")
    items = list(source.items())
    assert sorted(item.reports[0].original.message_id for item in items) == sorted(f"m{number}" for number in range(23))
    assert {(item.voucher.grade, item.voucher.stream) for item in items} == {("own-mta", "ses:eu")}
    assert len({item.key for item in items}) == 23
    assert left(sqs, url) == (0, 23)
    for item in items:
        item.finish(None)
    source.settle()
    source.close()
    assert left(sqs, url) == (0, 0)


def test_what_can_t_be_processed_goes_into_the_other_queue_or_stays(queue: tuple[Any, str, str]) -> None:
    sqs, url, dead = queue
    for name, here, there in (("", (0, 1), (0, 0)), (f"?quarantine={dead}", (0, 1), (1, 0))):
        sqs.send_message(QueueUrl=url, MessageBody="junk")
        source = opened_source(f"sqs:{url}{name}")
        (item,) = source.items()
        assert [one.kind for one in item.reports] == ["other"]
        item.finish("attempted 3 times")
        source.close()
        assert (left(sqs, url), left(sqs, dead)) == (here, there)
    (message,) = sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["reason"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]["reason"]["StringValue"]) == ("junk", "attempted 3 times")


def test_a_run_takes_what_is_in_a_queue(queue: tuple[Any, str, str], tmp_path: Path) -> None:
    sqs, url, _ = queue
    for path in paths("ses"):
        sqs.send_message(QueueUrl=url, MessageBody=path.read_text("utf-8"))
    (tmp_path / "b.toml").write_text(f'[store]\nurl = "sqlite:///{tmp_path}/b.db"\n[policy]\nmax_age_days = 3650\n[plugins.ses]\n')
    with opened(config.read(str(tmp_path / "b.toml")), (), (f"sqs:{url}",)) as parts:
        parts.runner.run(parts.sources, once=True)
        assert parts.runner.counts["inputs"] == len(paths("ses"))
    assert left(sqs, url) == (0, 0)


def test_a_queue_that_is_not_there_is_an_error_that_names_it(queue: tuple[Any, str, str]) -> None:
    _, url, _ = queue
    source = opened_source(f"sqs:{url}-not")
    with pytest.raises(InputError, match=r"bounces-not: SQS: \w+ "):
        list(source.items())
    source.close()


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("sqs:bounces", "names no queue"),
        ("sqs:https://sqs.eu-west-1.amazonaws.com", "names no queue"),
        ("sqs:https://sqs.eu-west-1.amazonaws.com/1/b?colour=red", "has no option colour: known are quarantine, region, stream"),
    ],
)
def test_a_url_that_names_no_queue_is_a_fault(url: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        opened_source(url)


def test_another_url_is_left_to_others() -> None:
    assert opened_source("maildir:/var/mail") is None
