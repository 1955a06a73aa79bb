"""Posts as each ESP signs them, with keys that were made for the tests; and the contract of each plugin."""

from __future__ import annotations

import base64
import importlib
import json
from collections.abc import Callable  # noqa: TC003  msgspec reads the annotations at run time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from bounceclass.engine import Engine
from bounceclass.model import UNJUDGED, Report, decode
from bounceclass.testing import Contract, Example

SAMPLES = Path(__file__).parent.parent.parent / "samples"
Signed = tuple[dict[str, str], bytes]
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"


@cache
def rsa_key() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2027, 1, 1, tzinfo=UTC))
    return key, made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def sns(body: bytes, topic: str, now: datetime, *, version: str = "2", **changed: str) -> Signed:
    """What SNS posts: the event in a message, signed over chosen fields. A message of SNS itself is signed as it is."""
    given = json.loads(body)
    message = given if "Type" in given else {"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "Message": body.decode()}
    message |= {"TopicArn": topic, "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "SignatureVersion": version}
    message |= {"SigningCertURL": CERTIFICATE} | changed
    fields = ("Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token", "TopicArn", "Type")
    signed = "".join(f"{name}\n{message[name]}\n" for name in fields if name in message).encode()
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303  version 1 is so
    message["Signature"] = base64.b64encode(rsa_key()[0].sign(signed, padding.PKCS1v15(), digest)).decode()
    return {}, json.dumps(message).encode()


@cache
def ec_key(public: str) -> ec.EllipticCurvePrivateKey:
    return _EC[public]


_EC: dict[str, ec.EllipticCurvePrivateKey] = {}


def ec_public() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    public = base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    _EC[public] = key
    return public


def sendgrid(body: bytes, public: str, now: datetime) -> Signed:
    stamp = str(int(now.timestamp()))
    signature = base64.b64encode(_EC[public].sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
    return {"X-Twilio-Email-Event-Webhook-Timestamp": stamp, "X-Twilio-Email-Event-Webhook-Signature": signature}, body


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """How an ESP posts."""

    sign: Callable[[bytes, str, datetime], Signed]
    secrets: tuple[str, str, str]
    unknown: bytes
    window: timedelta | None = None
    binds_body: bool = True


VENDORS: dict[str, Vendor] = {
    "ses": Vendor(
        sign=sns,
        secrets=(TOPIC, f"{TOPIC}-2", "arn:aws:sns:eu-west-1:999999999999:bounces"),
        unknown=b'{"eventType": "Teleport", "mail": {"destination": ["ruth@example.net"]}}',
        window=timedelta(hours=1, minutes=5),
    ),
    "sendgrid": Vendor(
        sign=sendgrid,
        secrets=(ec_public(), ec_public(), ec_public()),
        unknown=b'[{"event": "teleport", "email": "ruth@example.net"}]',
        window=timedelta(hours=25),
    ),
}


def module(name: str) -> Any:
    return importlib.import_module(f"bounceclass_{name}")


def webhook(name: str) -> Any:
    if name == "ses":
        sns_of: Any = importlib.import_module("bounceclass_ses.sns").Sns
        return module("ses").webhook(sns_of(lambda _: rsa_key()[1]))
    return module(name).webhook()


def engine(name: str) -> Engine:
    return Engine(plugins=[name])


def paths(name: str) -> list[Path]:
    return sorted((SAMPLES / name).glob("*.json"))


def expected(path: Path) -> list[Report]:
    return [decode(line) for line in path.with_name(f"{path.name}.jsonl").read_bytes().splitlines()]


def unjudged(report: Report) -> Report:
    return msgspec.structs.replace(report, events=tuple(msgspec.structs.replace(event, verdict=UNJUDGED) for event in report.events))


def contract(name: str) -> Contract:
    vendor = VENDORS[name]
    examples = tuple(Example(path.stem, path.read_bytes(), tuple(map(unjudged, expected(path)))) for path in paths(name))
    first, second, wrong = vendor.secrets
    return Contract(
        webhook=webhook(name),
        sign=vendor.sign,
        secrets=(first, second),
        wrong=wrong,
        examples=examples,
        unknown=vendor.unknown,
        window=vendor.window,
        binds_body=vendor.binds_body,
    )
