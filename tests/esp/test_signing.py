"""What is behind a signature: SNS's certificates, several secrets, passwords for those that sign nothing."""

from __future__ import annotations

import base64
import importlib
from datetime import timedelta
from typing import Any

import pytest

from bounceclass.signing import password, svix
from bounceclass.testing import NOW
from tests.esp.signers import CERTIFICATE, TOPIC, rsa_key, sns

Sns: Any = importlib.import_module("bounceclass_ses.sns").Sns
BODY = b'{"eventType": "Send"}'
FILE = "SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"


class Fetching:
    """Gives the certificate, and remembers for which addresses it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        return rsa_key()[1]


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_versions_of_sns_signatures_verify(version: str) -> None:
    assert Sns(Fetching()).verify({}, sns(BODY, TOPIC, NOW, version=version)[1], (TOPIC,), NOW) is True


@pytest.mark.parametrize(
    "url",
    [
        f"http://sns.eu-west-1.amazonaws.com/{FILE}",
        f"https://sns.eu-west-1.amazonaws.com.example.net/{FILE}",
        f"https://sns.eu-west-1.amazonaws.com@example.net/{FILE}",
        f"https://user@sns.eu-west-1.amazonaws.com/{FILE}",
        f"https://sns.eu-west-1.amazonaws.com:8443/{FILE}",
        f"https://sns.eu-west-1.amazonaws.com/{FILE}\n",
        f"https://sns.eu-west-1.amazonaws.com/../{FILE}",
        f"https://sns.eu-west-1.amazonaws.com/{FILE}?x=1",
        f"https://attacker.s3.amazonaws.com/{FILE}",
        f"https://example.net/{FILE}",
        f"https://127.0.0.1/{FILE}",
        f"file:///etc/{FILE}",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    get = Fetching()
    assert Sns(get).verify({}, sns(BODY, TOPIC, NOW, SigningCertURL=url)[1], (TOPIC,), NOW) is False
    assert get.asked == []


@pytest.mark.parametrize("url", [CERTIFICATE, f"https://sns.us-gov-west-1.amazonaws.com/{FILE}", f"https://sns.cn-north-1.amazonaws.com.cn/{FILE}"])
def test_a_certificate_of_sns_is_fetched_once(url: str) -> None:
    get = Fetching()
    one = Sns(get)
    for _ in range(3):
        assert one.verify({}, sns(BODY, TOPIC, NOW, SigningCertURL=url)[1], (TOPIC,), NOW) is True
    assert get.asked == [url]


def test_nothing_is_fetched_for_a_topic_that_is_not_ours_or_a_stale_message() -> None:
    get = Fetching()
    one = Sns(get)
    assert one.verify({}, sns(BODY, "arn:aws:sns:eu-west-1:999999999999:x", NOW)[1], (TOPIC,), NOW) is False
    assert one.verify({}, sns(BODY, TOPIC, NOW - timedelta(hours=2))[1], (TOPIC,), NOW) is False
    assert get.asked == []


def test_a_certificate_that_has_run_out_is_not_believed() -> None:
    late = NOW.replace(year=2028)
    assert Sns(Fetching()).verify({}, sns(BODY, TOPIC, late)[1], (TOPIC,), late) is False


def test_a_confirmation_verifies_and_its_address_is_not_fetched() -> None:
    get = Fetching()
    given = b'{"Type": "SubscriptionConfirmation", "MessageId": "1", "Token": "t", "Message": "m", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?x"}'
    assert Sns(get).verify({}, sns(given, TOPIC, NOW)[1], (TOPIC,), NOW) is True
    assert get.asked == [CERTIFICATE]


def test_svix_agrees_with_its_own_library() -> None:
    given = pytest.importorskip("svix").Webhook
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    signature = given(secret).sign("msg_1", NOW, "{}")
    for name in ("svix", "webhook"):
        headers = {f"{name}-id": "msg_1", f"{name}-timestamp": str(int(NOW.timestamp())), f"{name}-signature": f"v1,AAAA {signature}"}
        assert svix(headers, b"{}", (secret,), NOW) is True
        assert svix(headers, b"{ }", (secret,), NOW) is False


@pytest.mark.parametrize(
    ("headers", "believed"),
    [
        ({"authorization": "Basic " + base64.b64encode(b"esp:secret").decode()}, True),
        ({"authorization": "basic " + base64.b64encode(b"esp:secret").decode()}, True),
        ({"authorization": "Basic " + base64.b64encode("esp:sécret".encode()).decode()}, False),
        ({"authorization": "Basic esp:secret"}, False),
        ({"authorization": "Bearer token"}, True),
        ({"x-token": "token"}, True),
        ({"x-token": ""}, False),
        ({"x-other": "token"}, False),
        ({}, False),
    ],
)
def test_a_password_or_token_is_one_of_the_secrets(headers: dict[str, str], *, believed: bool) -> None:
    assert password(headers, ("esp:secret", "token", ""), "X-Token") is believed
