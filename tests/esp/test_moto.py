"""SNS messages that moto signs, as AWS does, verify; and what is changed in them does not."""

from __future__ import annotations

import importlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
