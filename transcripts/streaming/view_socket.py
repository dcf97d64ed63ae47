"""WS /v1/stream/view: what a stream says, read along by whoever has its link. Nothing that a reader sends is heard."""

import asyncio
from typing import Any

from engine.streaming.events import Finalized
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.streaming import admission, audience, stt_ai
from transcripts.streaming.outbox import Outbox
from transcripts.streaming.said import Ack, Done, Failed, Ready, Shown, StreamEvent
from transcripts.streaming.socket import Socket, close_code

SPEAKERS_OWN = Ack | Finalized
"""What answers the one who speaks."""


class ViewSocket(Socket):
    def __init__(self) -> None:
        super().__init__()
        self.token = ""
        self.outbox = Outbox()
        self._sender: asyncio.Task[None] | None = None

    async def opened(self) -> None:
        given = [name for name in self.scope.get("subprotocols", []) if name != admission.PROTOCOL]
        token = given[0] if given else ""
        if not audience.is_token(token):
            await self._refuse(ServiceError(ErrorCode.NOT_FOUND, "This link leads to no captions. Ask for a new one."))
            return
        if not audience.enter(token, self.say):
            await self._refuse(ServiceError(ErrorCode.OVERLOADED, "Too many people read along. Try again later."))
            return
        self.token = token
        await self.accept(admission.subprotocol(self.scope))
        self._sender = asyncio.create_task(self._send())

    async def left(self) -> None:
        audience.leave(self.token, self.say)
        if self._sender is not None:
            self._sender.cancel()

    def say(self, event: StreamEvent) -> None:
        if isinstance(event, SPEAKERS_OWN):
            return
        self.outbox.put(_shown(event), passing=isinstance(event, Shown))

    async def _send(self) -> None:
        while (message := await self.outbox.next()) is not None:
            await self.tell(message)

    async def _refuse(self, error: ServiceError) -> None:
        await self.refuse(error, stt_ai.refusal(error, close_code(error)[1]))


def _shown(event: StreamEvent) -> dict[str, Any]:
    """The words and no more: neither the speaker's token nor the account behind it is a reader's business."""
    match event:
        case Ready():
            return {"type": "ready", "session_id": event.session, "language": event.language}
        case Done() | Failed():
            return {"type": "done"}
    return stt_ai.documented(event, words=False)
