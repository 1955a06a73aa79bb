"""Posts as each ESP signs them, with keys that were made for the tests; and the contract of each plugin."""

from __future__ import annotations

import base64
import hmac
import importlib
import json
from collections.abc import Callable  # noqa: TC003  msgspec reads the annotations at run time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from bounceclass.engine import Engine
from bounceclass.model import UNJUDGED, Report, decode
from bounceclass.settings import Settings
from bounceclass.testing import Contract, Example

SAMPLES = Path(__file__).parent.parent.parent / "samples"
Signed = tuple[dict[str, str], bytes]
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
URL = "https://hooks.example.com/webhooks/mandrill?x=1"
KEYS = ("first-key", "second-key", "another-key")
PASSWORDS = ("esp:first", "esp:second", "esp:another")
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


def mailgun(body: bytes, key: str, now: datetime) -> Signed:
    stamp, token = str(int(now.timestamp())), "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"
    tree = json.loads(body)
    signature = hmac.digest(key.encode(), f"{stamp}{token}".encode(), "sha256").hex()
    tree["signature"] = {"timestamp": stamp, "token": token, "signature": signature}
    return {}, json.dumps(tree).encode()


def svix(body: bytes, secret: str, now: datetime) -> Signed:
    stamp = str(int(now.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"msg_1.{stamp}.".encode() + body, "sha256")).decode()
    return {"svix-id": "msg_1", "svix-timestamp": stamp, "svix-signature": f"v1,{signature}"}, body


def signed_in(header: str) -> Callable[[bytes, str, datetime], Signed]:
    return lambda body, secret, _: ({header: hmac.digest(secret.encode(), body, "sha256").hex()}, body)


def mandrill(body: bytes, key: str, _: datetime) -> Signed:
    signed = f"{URL}mandrill_events{body.decode()}".encode()
    signature = base64.b64encode(hmac.digest(key.encode(), signed, "sha1")).decode()
    return {"X-Mandrill-Signature": signature}, f"mandrill_events={quote_plus(body.decode())}".encode()


def basic(body: bytes, secret: str, _: datetime) -> Signed:
    return {"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()}, body


def whsec(letter: bytes) -> str:
    return "whsec_" + base64.b64encode(letter * 24).decode()


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
    "mailgun": Vendor(sign=mailgun, secrets=KEYS, unknown=b'{"event-data": {"event": "teleport"}}', window=timedelta(hours=12), binds_body=False),
    "postmark": Vendor(sign=basic, secrets=PASSWORDS, unknown=b'{"RecordType": "Teleport"}', binds_body=False),
    "sparkpost": Vendor(sign=basic, secrets=PASSWORDS, unknown=b'[{"msys": {"message_event": {"type": "teleport"}}}]', binds_body=False),
    "brevo": Vendor(sign=basic, secrets=PASSWORDS, unknown=b'{"event": "teleport"}', binds_body=False),
    "mailjet": Vendor(sign=basic, secrets=PASSWORDS, unknown=b'{"event": "teleport"}', binds_body=False),
    "resend": Vendor(sign=svix, secrets=(whsec(b"a"), whsec(b"b"), whsec(b"c")), unknown=b'{"type": "email.teleported"}', window=timedelta(minutes=5)),
    "mailersend": Vendor(sign=signed_in("Signature"), secrets=KEYS, unknown=b'{"type": "activity.teleported"}'),
    "mandrill": Vendor(sign=mandrill, secrets=KEYS, unknown=b'[{"event": "teleport"}]'),
    "mailtrap": Vendor(sign=signed_in("Mailtrap-Signature"), secrets=KEYS, unknown=b'{"events": [{"event": "teleport"}]}'),
}


def module(name: str) -> Any:
    return importlib.import_module(f"bounceclass_{name}")


def webhook(name: str) -> Any:
    if name == "ses":
        sns_of: Any = importlib.import_module("bounceclass_ses.sns").Sns
        return module("ses").webhook(sns_of(lambda _: rsa_key()[1]))
    return module(name).webhook(URL) if name == "mandrill" else module(name).webhook()


@cache
def engine(name: str) -> Engine:
    return Engine(Settings(plugins={name: {"url": URL} if name == "mandrill" else {}}))


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
