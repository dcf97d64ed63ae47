"""The ASGI vocabulary, and the few answers given without Django."""

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from django.conf import settings

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Enough for a client to read the answer to an upload that it is still sending, too little to be a service.
LINGER_SECONDS = 5.0
LINGER_BYTES = 16 * 1024 * 1024


def header(scope: Scope, name: str) -> str | None:
    wanted = name.encode("latin-1")
    for key, value in scope["headers"]:
        if key == wanted:
            return bytes(value).decode("latin-1")
    return None


def normalised(scope: Scope) -> Scope:
    """The scope with repeated slashes of its path made one, and with a request id of ours."""
    path = re.sub("/{2,}", "/", scope["path"])
    raw = re.sub(b"/{2,}", b"/", scope.get("raw_path") or path.encode())
    return {**scope, "path": path, "raw_path": raw, "steno.request_id": f"req_{uuid4().hex[:20]}"}


def with_request_id(send: Send, request_id: str) -> Send:
    return with_headers(send, lambda: {"X-Request-Id": request_id})


def with_headers(send: Send, headers: Callable[[], Mapping[str, str]]) -> Send:
    """`headers` is asked when the answer starts; what it names replaces what is there."""

    async def stamped(message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name.lower().encode(): value.encode() for name, value in headers().items()}
            kept = [(k, v) for k, v in message.get("headers", []) if k.lower() not in ours]
            message = {**message, "headers": [*kept, *ours.items()]}
        await send(message)

    return stamped


async def answer(
    send: Send, status: int, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> None:
    payload = b"" if body is None else json.dumps(body).encode()
    fields = {**(headers or {})}
    if body is not None:
        fields["content-type"] = "application/json"
    if status != 204:
        fields["content-length"] = str(len(payload))
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": payload})


class Inlet:
    """`receive` that knows whether there is any of the body left to come."""

    def __init__(self, receive: Receive, scope: Scope) -> None:
        self._receive = receive
        self.over = not has_body(scope)
        self.awaits_continue = (header(scope, "expect") or "").lower() == "100-continue"

    async def __call__(self) -> Message:
        message = await self._receive()
        self.awaits_continue = False
        if message["type"] != "http.request" or not message.get("more_body"):
            self.over = True
        return message


InletApp = Callable[[Scope, Inlet, Send], Awaitable[None]]


def has_body(scope: Scope) -> bool:
    return header(scope, "transfer-encoding") is not None or (header(scope, "content-length") or "0") != "0"


def closing(send: Send, inlet: Inlet) -> Send:
    """`send` for an answer given before the body was read: it closes the connection, but not in the client's face.

    A server that closes with unread bytes resets the connection, and a reset may overtake the answer. So the whole
    answer goes out first, then some of the body is read and dropped. A client that waits for `100 Continue` sends
    none, so there is nothing to wait for.
    """
    if inlet.over:
        return send

    async def close_after(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(k, v) for k, v in message.get("headers", []) if k.lower() != b"connection"]
            await send({**message, "headers": [*kept, (b"connection", b"close")]})
        elif message.get("more_body"):
            await send(message)
        else:
            await send({**message, "more_body": True})
            if not inlet.awaits_continue:
                await _drop_body(inlet)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return close_after


async def _drop_body(inlet: Inlet) -> None:
    dropped = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while dropped < LINGER_BYTES and not inlet.over:
                async with asyncio.timeout(settings.UPLOAD_LINGER_SECONDS):
                    dropped += len((await inlet()).get("body", b""))
