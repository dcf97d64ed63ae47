"""A WebSocket as this product needs it: refused with a status where the client can read one, ended with a reason."""

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.consumer import AsyncConsumer

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.uploads.asgi import Scope, header

log = logging.getLogger(__name__)
CLOSE_CODES: dict[ErrorCode, tuple[int, str]] = {
    ErrorCode.NOT_SIGNED_IN: (4401, "unauthorized"),
    ErrorCode.INVALID_API_KEY: (4401, "unauthorized"),
    ErrorCode.INSUFFICIENT_CREDITS: (4402, "insufficient_credits"),
    ErrorCode.KEY_CAP: (4402, "insufficient_credits"),
    ErrorCode.MISSING_SCOPE: (4403, "not_in_plan"),
    ErrorCode.NOT_IN_PLAN: (4403, "not_in_plan"),
    ErrorCode.NOT_FOUND: (4404, "session_not_found"),
    ErrorCode.CONCURRENCY_LIMIT: (4429, "concurrency_limit"),
    ErrorCode.DAILY_LIMIT: (4429, "concurrency_limit"),
    ErrorCode.RATE_LIMIT: (4429, "concurrency_limit"),
    ErrorCode.OVERLOADED: (4503, "overloaded"),
    ErrorCode.ENGINE_UNAVAILABLE: (4503, "overloaded"),
    ErrorCode.MODEL_UNAVAILABLE: (4503, "overloaded"),
    ErrorCode.LEDGER_BROKEN: (4503, "overloaded"),
    ErrorCode.INTERNAL: (4500, "internal"),
}
BAD_CONFIG = (4400, "bad_config")
LONGEST_REASON = 123
"""Bytes (RFC 6455, 5.5)."""


def close_code(error: ServiceError) -> tuple[int, str]:
    return CLOSE_CODES.get(error.code, BAD_CONFIG)


class Socket(AsyncConsumer):  # type: ignore[misc]  # Channels has no types
    """Asks for no channel layer: nobody speaks to a stream but its client and its engine."""

    channel_layer_alias = None
    scope: Scope

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        self.scope, self.base_send = scope, send
        self.is_open = False
        try:
            while True:
                message = await receive()
                if message["type"] == "websocket.connect":
                    await self.opened()
                elif message["type"] == "websocket.receive":
                    # Channels closes old database connections in a thread before each message: 75 us of 88 a frame.
                    await self._received(message)
                elif message["type"] == "websocket.disconnect":
                    return
        except Exception:
            log.exception("The socket at %s failed.", scope["path"])
            error = ServiceError(ErrorCode.INTERNAL)
            await self.tell({"error": error.message, "code": "internal", "status": error.status, "fatal": True})
            await self.shut(4500, "internal")
        finally:
            await self.left()

    async def opened(self) -> None: ...

    async def said(self, text: str) -> None: ...

    async def heard(self, data: bytes) -> None: ...

    async def left(self) -> None: ...

    async def _received(self, message: dict[str, Any]) -> None:
        if message.get("text") is not None:
            await self.said(message["text"])
        else:
            await self.heard(message.get("bytes") or b"")

    async def accept(self, subprotocol: str | None = None) -> None:
        self.is_open = True
        await self.base_send({"type": "websocket.accept", "subprotocol": subprotocol})

    async def tell(self, message: dict[str, Any]) -> None:
        if self.is_open:
            await self.base_send({"type": "websocket.send", "text": json.dumps(message, ensure_ascii=False)})

    async def shut(self, code: int = 1000, reason: str = "") -> None:
        if self.is_open:
            self.is_open = False
            short = reason.encode()[:LONGEST_REASON].decode(errors="ignore")
            await self.base_send({"type": "websocket.close", "code": code, "reason": short})

    async def refuse(self, error: ServiceError, body: dict[str, Any]) -> None:
        """Before the upgrade, with its HTTP status; a browser could not read that, so it gets a frame and a code."""
        if header(self.scope, "origin") is None and "websocket.http.response" in self.scope.get("extensions", {}):
            headers = [(b"content-type", b"application/json")]
            if error.retry_after:
                headers.append((b"retry-after", str(error.retry_after).encode()))
            await self.base_send({"type": "websocket.http.response.start", "status": error.status, "headers": headers})
            await self.base_send({"type": "websocket.http.response.body", "body": json.dumps(body).encode()})
            return
        await self.accept()
        await self.tell(body)
        code, name = close_code(error)
        await self.shut(code, name)
