"""`POST /v1/classify`: a message, reply lines, or replies as JSON."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from bounceclass.model import Report, Verdict, clean_text, encode
from bounceclass.web.document import PROBLEMS
from bounceclass.web.shapes import MOST, Answered, Replies, Reply

if TYPE_CHECKING:
    from litestar.handlers import HTTPRouteHandler

    from bounceclass.engine import Engine

__all__ = ["classify"]

_LINE: Final = 64 * 1024
_JSON: Final = "application/json"
_ANSWER: Final[Any] = Report | list[Answered]
"""Of a mail, or of reply lines."""
_SAID: Final = "A Report of a message, or a verdict for each reply."
_REPLIES: Final = msgspec.json.Decoder(Replies)


@dataclass
class Classify(Operation):
    """What the document says of the body, which the handler reads by itself."""

    def __post_init__(self) -> None:
        """Name the three forms."""
        text = OpenAPIMediaType(Schema(type=OpenAPIType.STRING))
        said = '{"replies": [{"text": "550 5.1.1 ..."}]}; host, recipient and command may stand beside the text'
        replies = OpenAPIMediaType(Schema(type=OpenAPIType.OBJECT, description=said))
        self.request_body = RequestBody(content={"message/rfc822": text, "text/plain": text, _JSON: replies}, required=True)


def classify(engine: Engine) -> HTTPRouteHandler:
    """Return the route."""

    @post(
        "/classify",
        status_code=200,
        operation_class=Classify,
        responses={**PROBLEMS, 200: ResponseSpec(data_container=_ANSWER, description=_SAID, generate_examples=False)},
        opt={"scope": "classify"},
    )
    async def classify_(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Tell what a bounce (message/rfc822) says, or what SMTP replies mean (text/plain: a line each; JSON)."""
        body = await request.body()
        kind = request.content_type[0]
        answer = _FORMS.get(kind)
        if answer is None:
            raise HTTPException(status_code=415, detail=f"Post {', '.join(_FORMS)}.")
        return Response(await asyncio.to_thread(answer, engine, body), status_code=200, media_type=_JSON)

    return classify_


def _message(engine: Engine, body: bytes) -> bytes:
    return encode(engine.classify(body))


def _lines(engine: Engine, body: bytes) -> bytes:
    lines = body.decode("utf-8", "surrogateescape").splitlines()
    if len(lines) > MOST or any(len(line) > _LINE for line in lines):
        raise HTTPException(status_code=413, detail=f"At most {MOST} lines of {_LINE} characters.")
    return msgspec.json.encode([_answered(engine, Reply(text=line)) for line in lines])


def _replies(engine: Engine, body: bytes) -> bytes:
    try:
        replies = _REPLIES.decode(body).replies
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HTTPException(status_code=400, detail=str(error)) from error
    return msgspec.json.encode([_answered(engine, reply) for reply in replies])


_FORMS: Final = {"message/rfc822": _message, "text/plain": _lines, _JSON: _replies}


def _answered(engine: Engine, reply: Reply) -> Answered:
    event = engine.reply(reply.text, host=reply.host, recipient=reply.recipient, command=reply.command)
    verdict = {key: getattr(event.verdict, key) for key in Verdict.__struct_fields__}
    return Answered(text=clean_text(reply.text), reply_code=event.reply_code, enhanced_status=event.enhanced_status, **verdict)
