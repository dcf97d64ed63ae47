"""One client's socket before one live session: what all dialects of streams share."""

import asyncio
from collections.abc import Mapping
from typing import Any

from accounts.services.access import Caller
from engine.types import Options
from stt_site.lib.errors import ServiceError
from transcripts.services import live
from transcripts.streaming import limits
from transcripts.streaming.messages import parsed
from transcripts.streaming.outbox import Outbox
from transcripts.streaming.said import Done, Failed, Shown, StreamEvent
from transcripts.streaming.socket import Socket, close_code
from transcripts.streaming.stream import Stream
from transcripts.streaming.wish import Wish
from transcripts.uploads.threads import in_database


class StreamSocket(Socket):
    """A dialect says how events read (`render`), what messages mean (`obey`) and when the session begins."""

    dialect: str
    caller: Caller

    def __init__(self) -> None:
        super().__init__()
        self.stream: Stream | None = None
        self.outbox = Outbox()
        self.wish = Wish()
        self.ignored: list[str] = []
        self.max_seconds: int | None = None
        self.lingers = False
        self.last: Done | Failed | None = None
        self._sender: asyncio.Task[None] | None = None

    def render(self, event: StreamEvent) -> list[dict[str, Any]]:
        raise NotImplementedError

    async def obey(self, data: Mapping[str, Any]) -> None:
        """Raises ServiceError."""
        raise NotImplementedError

    async def said(self, text: str) -> None:
        try:
            await self.obey(parsed(text))
        except ServiceError as error:
            await self.fail(error)

    async def welcome(self, subprotocol: str | None = None) -> None:
        await self.accept(subprotocol)
        self._sender = asyncio.create_task(self._send())

    async def left(self) -> None:
        if self._sender is not None:
            self._sender.cancel()
        if self.stream is not None:
            self.stream.detach(self.say)

    async def begin(self) -> None:
        """A new session as `wish` wants it. Raises ServiceError."""
        wish = self.wish
        options = Options(model=wish.model, language=wish.language, languages=wish.languages)
        await in_database(live.check, options)
        await in_database(live.count_visit, self.caller)
        admitted = await in_database(live.admit, self.caller, self.dialect, wish.as_dict(), self.max_seconds)
        await self.enter(Stream(admitted, self.caller, wish, []))

    async def enter(self, stream: Stream, last_seq: int | None = None) -> None:
        opened = await stream.begin()
        self.stream = stream
        self.say(stream.ready(opened, self.ignored, resumed=last_seq is not None))
        stream.attach(self.say, last_seq)

    def say(self, event: StreamEvent) -> None:
        for message in self.render(event):
            self.outbox.put(message, passing=isinstance(event, Shown))
        if isinstance(event, Done | Failed):
            self.last = event
            self.outbox.close()

    async def fail(self, error: ServiceError, code: int | None = None, name: str | None = None) -> None:
        """What is wrong with the connection; a session that runs is ended, and its text is kept."""
        if self.stream is not None and not self.stream.over:
            self.stream.detach(self.say)
            await self.stream.end()
        usual_code, usual_name = close_code(error)
        self.say(Failed(error, name or usual_name, code or usual_code))

    async def _received(self, message: dict[str, Any]) -> None:
        await self.outbox.room()
        await super()._received(message)

    async def _send(self) -> None:
        try:
            while (message := await self.outbox.next()) is not None:
                await self.tell(message)
        finally:
            self.outbox.close()
        if isinstance(self.last, Failed):
            await self.shut(self.last.code, self.last.name)
            return
        if self.lingers:
            # The Python SDK takes any close by the server for an error (docs/streaming.md).
            await asyncio.sleep(limits.LINGER_SECONDS)
        await self.shut(1000)
