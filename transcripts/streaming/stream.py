"""One live session. It outlives the client's socket for half a minute, any engine, and its own process as rows."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from accounts.services.access import Caller
from engine.errors import Cancelled, EngineError
from engine.streaming.events import (
    Final,
    Finalized,
    Heard,
    Opened,
    Partial,
    Refined,
    SpeechEnded,
    SpeechStarted,
    Warned,
)
from engine.types import Notice, Segment
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services import live
from transcripts.services.live import Admitted
from transcripts.streaming import audience, limits
from transcripts.streaming.audio import Intake
from transcripts.streaming.endings import ENDINGS
from transcripts.streaming.recorder import Recorder
from transcripts.streaming.relay import Relay
from transcripts.streaming.said import Ack, Corrected, Done, Failed, Ready, Said, Shown, StreamEvent
from transcripts.streaming.wish import Wish
from transcripts.uploads.threads import in_database

log = logging.getLogger(__name__)
MS = 16
"""Samples a millisecond."""
open_streams: dict[str, "Stream"] = {}
"""Those of this process, by what resumes them."""
Listener = Callable[[StreamEvent], None]

FAST = Notice("audio_too_fast", "The audio comes faster than it was spoken. Too far ahead the stream is ended.")
ELSEWHERE = "The stream was taken up by another connection, or its account was closed."
UNCLOSED = (
    "The end of the stream could not be written down. The text that was sent is complete, and charged at most once."
)


class Stream:
    def __init__(self, admitted: Admitted, caller: Caller, wish: Wish, said: list[tuple[int, Segment]]) -> None:
        row = admitted.stream
        self.row, self.token, self.caller, self.wish = row, admitted.token, caller, wish
        self._covered_ms, self._max_ms = admitted.covered_ms, admitted.max_ms
        self._relay = Relay(wish.options(row.caller, row.needed), live.listen)
        self._intake = Intake(wish.encoding, wish.sample_rate, wish.channels)
        self._recorder = Recorder(live.recording_path(row), row.needed) if wish.save and wish.save_audio else None
        self._base_ms = row.needed // MS
        self._pace = limits.Pace()
        self._finals: deque[tuple[int, Segment]] = deque(said, maxlen=limits.MOST_FINALS)
        self._seen = 0
        """Finals up to this one are known to a client that came back."""
        self._texts = [segment.text for _, segment in said]
        self.seq = said[-1][0] if said else 0
        self._seqs: dict[int, int] = {}
        """The number of what an utterance said."""
        self._unstored: list[tuple[int, Segment]] = []
        self._stirred, self._writing = asyncio.Event(), asyncio.Lock()
        self._listener: Listener | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._opened: asyncio.Future[Opened] = asyncio.get_running_loop().create_future()
        self._ending = "stop"
        self._now = asyncio.get_running_loop().time
        self._active = self._beaten = self._now()
        self._asked_from_ms = 0
        """How far was paid for when it was last asked to reach further."""
        self._detached_since: float | None = None
        self._told_end: set[int] = set()
        self.stopped = self.over = False

    # The client's side.

    async def begin(self) -> Opened:
        """Raises EngineError. Until it returns the stream may not be given sound."""
        open_streams[self.token] = self
        self._tasks = [asyncio.create_task(work()) for work in (self._run, self._store, self._watch)]
        opened = await self._opened
        if self.wish.view:
            audience.speak(self.wish.view, self)
        return opened

    def ready(self, opened: Opened, ignored: list[str], *, resumed: bool = False) -> Ready:
        return Ready(
            self.row.public_id,
            self.token,
            opened.model,
            opened.language,
            tuple(ignored),
            self._max_ms // 1000,
            resumed,
            self.received_ms,
            self.seq,
        )

    @property
    def opened(self) -> Opened:
        return self._opened.result()

    @property
    def received_ms(self) -> int:
        return self._relay.received // MS

    def attach(self, listener: Listener, last_seq: int | None = None) -> None:
        """What is said goes to `listener`, first what came after `last_seq`."""
        self._listener, self._detached_since, self._active = listener, None, self._now()
        if last_seq is not None:
            self._seen = last_seq
            for seq, segment in list(self._finals):
                if seq > last_seq:
                    listener(Said(seq, segment, "endpoint", 0))

    def catch_up(self, listener: Listener) -> None:
        """For one who reads along and comes late."""
        listener(self.ready(self.opened, []))
        for seq, segment in list(self._finals)[-limits.FINALS_OF_A_READER :]:
            listener(Said(seq, segment, "endpoint", 0))

    def detach(self, listener: Listener) -> None:
        if self._listener == listener:
            self._listener, self._detached_since = None, self._now()

    def listen_as(self, intake: Intake) -> None:
        """The sound is other than was said, before any has come."""
        self._intake = intake

    async def hear(self, data: bytes) -> None:
        self._active = self._now()
        if self.stopped:
            return
        ahead = self._pace.ahead_ms(self._now(), self.received_ms - self._base_ms)
        if ahead > limits.most_ahead_ms():
            await self.end("audio_too_fast")
            return
        if ahead > limits.FAST_WARNING_MS and not self._pace.warned:
            self._pace.warned = True
            self._say(Warned(FAST))
        await self._take(self._intake.take(data))

    async def finalize(self, mark: str) -> None:
        self._active = self._now()
        if not self.stopped:
            await self._relay.finalize(mark)

    async def update(self, wish: Wish) -> None:
        self._active, self.wish = self._now(), wish
        await self._relay.update(wish.options(self.row.caller, self.row.needed))

    def stir(self) -> None:
        """The client lives."""
        self._active = self._now()

    async def end(self, why: str = "stop") -> None:
        """Says what is left, then is done."""
        if self.stopped:
            return
        self.stopped, self._ending = True, why
        rest = self._intake.end()
        if rest:
            await self._relay.push(rest)
        await self._relay.stop()

    async def cancel(self) -> None:
        """The client wants no more text; what it sent is charged."""
        self.stopped, self._ending = True, "cancel"
        await self._relay.close()
        for task in self._tasks[:1]:
            task.cancel()

    # What goes on by itself.

    async def _take(self, pcm: bytes) -> None:
        if self._covered_ms - self.received_ms < len(pcm) // (2 * MS) + limits.LOW_MS:
            await self._beat_if_due()
        room = 2 * MS * (min(self._max_ms, self._covered_ms) - self.received_ms)
        if self._recorder is not None:
            await self._recorder.write(pcm[: max(0, room)])
        await self._relay.push(pcm[: max(0, room)])
        self._warn_of_end()
        if len(pcm) >= room:
            await self.end("max_duration" if self.received_ms >= self._max_ms else "insufficient_credits")

    def _warn_of_end(self) -> None:
        left = min(self._max_ms, self._covered_ms) - self.received_ms
        for bound in limits.WARN_BEFORE_END_MS:
            if left <= bound and bound not in self._told_end:
                self._told_end.add(bound)
                self._say(Warned(Notice("ending_soon", f"The stream ends in {left // 1000} seconds of audio.")))

    async def _run(self) -> None:
        try:
            async for event in self._relay.run():
                self._heed(event)
        except Cancelled:
            pass
        except asyncio.CancelledError:
            if self._ending != "cancel":
                raise
        except EngineError as error:
            await self._failed(live.refusal(error))
            return
        except Exception:
            log.exception("The stream %s failed.", self.row.public_id)
            await self._failed(ServiceError(ErrorCode.INTERNAL))
            return
        await self._finish()

    def _heed(self, event: object) -> None:
        match event:
            case Opened():
                if not self._opened.done():
                    self._opened.set_result(event)
            case Partial():
                if self.wish.partials and not self.stopped:
                    self._say(Shown(event, self.seq + 1, self._lag(event.end)))
            case Final():
                self._said(event)
            case Refined(utterance=utterance, text=text):
                if utterance in self._seqs:
                    self._say(self._corrected(self._seqs[utterance], text))
            case SpeechStarted() | SpeechEnded() | Finalized() | Warned():
                self._say(event)
        # Never past text that only this process knows: what is acknowledged may be forgotten by the client.
        if isinstance(event, Heard | SpeechEnded) and not self._unstored and not self._writing.locked():
            self._acknowledge(self._relay.needed)

    def _acknowledge(self, needed: int) -> None:
        if self.wish.acks:
            self._say(Ack(needed // MS))

    def _said(self, final: Final) -> None:
        self.seq += 1
        segment = final.segment
        self._seqs = {final.utterance: self.seq, **dict(list(self._seqs.items())[:8])}
        self._finals.append((self.seq, segment))
        self._texts.append(segment.text)
        self._unstored.append((self.seq, segment))
        self._stirred.set()
        if self.seq > self._seen:
            self._say(Said(self.seq, segment, final.reason, self._lag(segment.end)))

    def _corrected(self, seq: int, text: str) -> Corrected:
        """Where a second reading found nothing, the first stands."""
        first = next((segment.text for number, segment in self._finals if number == seq), "")
        return Corrected(seq, text or first)

    def _lag(self, end: float) -> int:
        return max(0, self.received_ms - round(end * 1000))

    def _say(self, event: StreamEvent) -> None:
        if self._listener is not None:
            self._listener(event)
        if self.wish.view:
            audience.say(self.wish.view, event)

    async def _store(self) -> None:
        """Behind the client: what a crash leaves unwritten is said again under the same number."""
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            await self._write()

    async def _write(self) -> None:
        async with self._writing:
            waiting, self._unstored = self._unstored, []
            if not waiting:
                return
            needed = self._relay.needed
            try:
                await in_database(live.store, self.row, waiting, needed)
                # A client that sends on only what is acknowledged may have nothing left to send.
                self._acknowledge(needed)
            except Exception:
                log.exception("Text of the stream %s could not be stored; it is tried again.", self.row.public_id)
                self._unstored = [*waiting, *self._unstored]

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(min(1.0, limits.detach_seconds() / 4))
            if why := self._too_quiet():
                await self.end(why)
            if self._now() - self._beaten >= limits.BEAT_SECONDS:
                await self._beat()

    def _too_quiet(self) -> str | None:
        quiet = self._now() - self._active
        if self._detached_since is not None:
            return "detached" if self._now() - self._detached_since >= limits.detach_seconds() else None
        if not self.received_ms and quiet >= limits.FIRST_AUDIO_SECONDS:
            return "no_audio"
        return "idle" if quiet >= limits.IDLE_SECONDS else None

    async def _beat_if_due(self) -> None:
        """The sound came faster than the clock: what is paid for is nearly used up."""
        if self._covered_ms > self._asked_from_ms or self._now() - self._beaten >= 1.0:
            self._asked_from_ms = self._covered_ms
            await self._beat()

    async def _beat(self) -> None:
        self._beaten = self._now()
        await self._write()
        try:
            async with self._writing:
                # Never past text that only this process knows: who takes the stream up would not say it.
                needed = None if self._unstored else self._relay.needed
                standing = await in_database(live.beat, self.row, self.caller, self.received_ms, needed)
        except Exception:
            log.exception("The stream %s could not be noted; it goes on.", self.row.public_id)
            return
        if standing is None:
            self._leave_to_another()
            return
        self._covered_ms = standing.covered_ms or self._covered_ms
        if not standing.allowed:
            await self.end("unauthorized")
        elif self._unstored:
            self._stirred.set()

    def _leave_to_another(self) -> None:
        """Another process has taken the stream up, or its account is gone."""
        self._forget()
        self._say(Failed(ServiceError(ErrorCode.NOT_FOUND, ELSEWHERE), "session_not_found", 4404))
        self._leave_room()
        for task in self._tasks:
            task.cancel()

    # The end.

    async def _finish(self) -> None:
        closed = await self._close_row()
        if closed is None:
            self._say(Failed(ServiceError(ErrorCode.INTERNAL, UNCLOSED), "internal", 4500))
        elif self._ending in ENDINGS:
            code, sentence, error = ENDINGS[self._ending]
            self._say(Failed(ServiceError(error, sentence), self._ending, code))
        else:
            text = " ".join(self._texts)
            text = text if len(text) <= limits.LONGEST_FULL_TEXT else ""
            self._say(Done(self._ending, text, self.received_ms, self.seq, self.seq, *closed))
        self._stop_working()

    async def _failed(self, error: ServiceError) -> None:
        if not self._opened.done():
            self._opened.set_exception(error)
            self._opened.exception()  # whoever waits is told; nobody has to
        await self._close_row(free=True)
        overloaded = error.code in (ErrorCode.OVERLOADED, ErrorCode.ENGINE_UNAVAILABLE)
        self._say(Failed(error, "overloaded" if overloaded else "internal", 4503 if overloaded else 4500))
        self._stop_working()

    async def _close_row(self, *, free: bool = False) -> tuple[int, str] | None:
        """What was charged, and the transcript that is left. None: the row is still open, and the sweeper's."""
        self._forget()
        try:
            await self._write()
            charged = await in_database(live.end, self.row.pk, self.received_ms, self._model(), free=free)
            audio = await self._recorder.close() if self._recorder is not None else None
            if self.wish.save and self.seq:
                saved = await in_database(live.save, self.row.pk, audio=audio)
                return charged, saved.public_id
            if audio is not None:
                audio.unlink(missing_ok=True)
        except Exception:
            log.exception("The end of the stream %s could not be written down.", self.row.public_id)
            return None
        return charged, ""

    def _model(self) -> str:
        known = self._opened.done() and not self._opened.cancelled() and self._opened.exception() is None
        return self._opened.result().model if known else ""

    def _forget(self) -> None:
        self.over = True
        open_streams.pop(self.token, None)

    def _leave_room(self) -> None:
        audience.fall_silent(self.wish.view, self)

    def _stop_working(self) -> None:
        self._leave_room()
        for task in self._tasks[1:]:
            task.cancel()
