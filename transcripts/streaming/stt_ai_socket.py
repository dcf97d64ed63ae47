"""WS /v1/stream, as STT.ai documents it and as its SDKs use it."""

import asyncio
from collections.abc import Mapping
from typing import Any

from engine.types import Options
from stt_site.lib.errors import ServiceError
from transcripts.services import live
from transcripts.streaming import admission, config, limits, stt_ai
from transcripts.streaming.messages import query_of, sound_of
from transcripts.streaming.said import StreamEvent
from transcripts.streaming.socket import close_code
from transcripts.streaming.stream import Stream, open_streams
from transcripts.streaming.stream_socket import StreamSocket
from transcripts.streaming.wish import Wish, wrong
from transcripts.uploads.threads import in_database

IN_QUERY = ("token", "model", "language")
"""Any of these in the address: a published SDK, which sends no JSON and does not wait."""
QUERY_KEYS = frozenset({"model", "language", "profile", "encoding", "sample_rate", "words", "save"})

LONGEST_NAME = 200


class SttAiSocket(StreamSocket):
    dialect = "stt_ai"

    def __init__(self) -> None:
        super().__init__()
        self.by_query = False
        self._configuring: asyncio.Task[None] | None = None

    def render(self, event: StreamEvent) -> list[dict[str, Any]]:
        return [stt_ai.as_sdk(event, self.wish.words) if self.by_query else stt_ai.documented(event, self.wish.words)]

    async def opened(self) -> None:
        query = query_of(self.scope)
        self.by_query = any(name in query for name in IN_QUERY)
        try:
            self.caller, self.max_seconds = await in_database(admission.identify, self.scope, query.get("token"))
            if self.by_query:
                self.wish, self.ignored = config.parse(_typed(query))
        except ServiceError as error:
            await self.refuse(error, stt_ai.refusal(error, close_code(error)[1]))
            return
        await self.welcome(admission.subprotocol(self.scope))
        if self.by_query:
            await self._begin({})
        else:
            self._configuring = asyncio.create_task(self._begin_unasked())

    async def left(self) -> None:
        if self._configuring is not None:
            self._configuring.cancel()
        await super().left()

    async def _begin_unasked(self) -> None:
        await asyncio.sleep(limits.CONFIG_SECONDS)
        self._configuring = None
        await self._begin({})

    async def heard(self, data: bytes) -> None:
        if self.stream is None:
            if self.is_open and self.last is None:
                error = wrong("Sound came before the configuration. Send a JSON object first, or name the model.")
                await self.fail(error, 1003, "protocol_order")
        elif data:
            await self.stream.hear(data)
        elif self.by_query:
            self.lingers = True
            await self.stream.end()

    async def obey(self, data: Mapping[str, Any]) -> None:
        stream = self.stream
        match data.get("action") or data.get("type"):
            case None | "config" | "start":
                await self._configure(data)
            case "audio":
                await self.heard(sound_of(data))
            case "ping":
                self.outbox.put({"type": "pong", "id": _name(data), **({"text": ""} if self.by_query else {})})
            case _ if stream is None:
                raise wrong("The first message is the configuration.")
            case "stop":
                await stream.end()
            case "finalize":
                await stream.finalize(str(_name(data) or ""))
            case "cancel":
                await stream.cancel()
            case "keepalive":
                pass
            case "update":
                wish, _ = config.parse(data, stream.wish)
                await in_database(live.check, Options(language=wish.language, languages=wish.languages))
                await stream.update(wish)
                self.outbox.put({"type": "updated", **({"text": ""} if self.by_query else {})})
            case unknown:
                raise wrong(f"There is no action {str(unknown)[:40]!r}.")
        if stream is not None:
            stream.stir()

    async def _configure(self, data: Mapping[str, Any]) -> None:
        if self.stream is None:
            if self._configuring is not None:
                self._configuring.cancel()
                self._configuring = None
            await self._begin(data)
        elif self.by_query and not self.stream.received_ms:
            wish, _ = config.parse(data, self.stream.wish)
            await self.stream.update(wish)
        else:
            error = wrong("The stream is configured already. Send an update instead.")
            await self.fail(error, 4409, "protocol_order")

    async def _begin(self, data: Mapping[str, Any]) -> None:
        try:
            if data.get("resume"):
                await self._resume(str(data["resume"]), data.get("last_seq"))
                return
            if data:
                self.wish, self.ignored = config.parse(data)
            await self.begin()
        except ServiceError as error:
            await self.fail(error)

    async def _resume(self, token: str, last_seq: Any) -> None:
        seen = last_seq if isinstance(last_seq, int) and last_seq >= 0 else 0
        here = open_streams.get(token)
        if here is not None and here.row.caller == self.caller.key and not here.stopped:
            self.stream, self.wish = here, here.wish
            self.say(here.ready(here.opened, [], resumed=True))
            here.attach(self.say, seen)
            return
        admitted, said = await in_database(live.resume, self.caller, token, self.max_seconds)
        self.wish = Wish.from_dict(admitted.stream.config)
        await self.enter(Stream(admitted, self.caller, self.wish, said), seen)


def _typed(query: Mapping[str, str]) -> dict[str, Any]:
    known = {name: value for name, value in query.items() if name in QUERY_KEYS}
    if known.get("sample_rate", "").isdecimal():
        return {**known, "sample_rate": int(known["sample_rate"])}
    return dict(known)


def _name(data: Mapping[str, Any]) -> Any:
    """What a client calls its request; it comes back as it is, unless it is long."""
    name = data.get("id")
    return name if isinstance(name, str | int | None) and len(str(name)) <= LONGEST_NAME else str(name)[:LONGEST_NAME]
