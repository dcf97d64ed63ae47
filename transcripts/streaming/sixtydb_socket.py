"""WS /ws/stt, as 60db's clients of both generations speak it, over the same session."""

from collections.abc import Mapping
from typing import Any

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.services import live
from transcripts.streaming import admission, config
from transcripts.streaming.audio import Encoding, Intake
from transcripts.streaming.messages import query_of, sound_of
from transcripts.streaming.said import Corrected, Done, Failed, Ready, Said, Shown, SpeechStarted, StreamEvent, Warned
from transcripts.streaming.stream_socket import StreamSocket
from transcripts.streaming.wish import Wish, wrong
from transcripts.uploads.threads import in_database

MODEL = "60db-stt-v01"
RATES = (8_000, 16_000, 24_000, 44_100, 48_000)
ENCODINGS: dict[str, Encoding] = {"linear": "pcm_s16le", "mulaw": "mulaw"}
LEAST_ENDPOINT_MS, USUAL_ENDPOINT_MS = 300, 500
EARLY_SECONDS = 1.0
"""Sound that comes before `start` is kept so far."""
TELEPHONE = Wish(encoding="mulaw", sample_rate=8_000)
"""What binary frames are where nobody has said so."""
CLOSE_CODES = {4401: 1008, 4402: 1008, 4403: 1008, 4429: 1008, 4400: 1003, 4500: 1011, 4503: 1013}
CODES = {ErrorCode.INSUFFICIENT_CREDITS: "INSUFFICIENT_CREDITS", ErrorCode.CONCURRENCY_LIMIT: "STT_CONCURRENCY_LIMIT"}


class SixtyDbSocket(StreamSocket):
    dialect = "sixtydb"

    def __init__(self) -> None:
        super().__init__()
        self.early = bytearray()
        self.twice = False
        """With a context each utterance comes twice: as heard, and as it stays."""
        self.declared = False

    async def opened(self) -> None:
        query = query_of(self.scope)
        try:
            given = query.get("apiKey") or query.get("token")
            self.caller, self.max_seconds = await in_database(admission.identify, self.scope, given)
            if self.caller.is_anonymous:
                raise ServiceError(ErrorCode.NOT_SIGNED_IN)
            balance = await in_database(live.balance_credits, self.caller)
        except ServiceError as error:
            await self.refuse(error, _error(error))
            return
        await self.welcome()
        self.outbox.put({"type": "connecting"})
        self.outbox.put({"type": "connected", "server_info": {}})
        self.outbox.put({"type": "connection_established", "connection_established": True, "credit_balance": balance})

    async def heard(self, data: bytes) -> None:
        if self.stream is None:
            self.early += data
            del self.early[round(EARLY_SECONDS * 2 * max(RATES)) :]
        else:
            await self.stream.hear(data)

    async def obey(self, data: Mapping[str, Any]) -> None:
        stream = self.stream
        match data.get("type"):
            case "start":
                if stream is not None:
                    raise wrong("The session has begun already.")
                await self._start(data)
            case "audio":
                await self.heard(self._sound(data))
            case "test":
                self.outbox.put({"type": "test_resp"})
            case "stop" if stream is None:
                raise wrong("There is no session. Send start first.")
            case "stop" if stream is not None:
                await stream.end()
            case "config" if stream is not None:
                wish, _ = config.parse(_fields(data), stream.wish)
                await stream.update(wish)
            case unknown:
                raise wrong(f"There is no message {str(unknown)[:40]!r}.")

    async def _start(self, data: Mapping[str, Any]) -> None:
        settings = data.get("config")
        self.declared = isinstance(settings, Mapping) and "encoding" in settings
        self.wish, _ = config.parse(_fields(data), Wish() if self.declared else TELEPHONE)
        self.twice = bool(self.wish.terms or self.wish.context)
        if self.twice:
            self.wish, _ = config.parse({"refine": True}, self.wish)
        await self.begin()
        if self.early and self.stream is not None:
            early, self.early = bytes(self.early), bytearray()
            await self.stream.hear(early)

    def _sound(self, data: Mapping[str, Any]) -> bytes:
        sound = sound_of(data)
        encoding, rate = ENCODINGS.get(str(data.get("encoding"))), data.get("sample_rate")
        if self.stream is not None and (encoding or rate) and not self.stream.received_ms:
            wish = self.stream.wish
            self.stream.listen_as(Intake(encoding or wish.encoding, _rate(rate) if rate else wish.sample_rate))
        return sound

    def render(self, event: StreamEvent) -> list[dict[str, Any]]:
        match event:
            case Ready():
                # Older clients send sound after a `connected` that follows their `start`, newer after the other.
                return [{"type": "session_started", "session_id": event.session, "model": MODEL}, {"type": "connected"}]
            case SpeechStarted():
                return [{"type": "speech_started"}]
            case Shown(partial=partial, seq=seq):
                return [_transcription(partial.text, seq, final=False, over=False)]
            case Said(seq=seq, segment=segment):
                confidence = round(segment.confidence, 4)
                return [
                    _transcription(
                        segment.text, seq, True, not self.twice, language=segment.language, confidence=confidence
                    )
                ]
            case Corrected(seq=seq, text=text):
                return [_transcription(text, seq, final=True, over=True)]
            case Done(duration_ms=duration_ms, charged_mc=charged_mc):
                bill = {"total_duration_seconds": round(duration_ms / 1000, 3), "total_cost": charged_mc / 1000}
                return [{"type": "session_stopped", "billing_summary": bill}]
            case Failed(error=error):
                return [_error(error)]
            case Warned(notice=notice):
                return [{"type": "warning", "code": notice.code, "message": notice.message}]
        return []

    async def shut(self, code: int = 1000, reason: str = "") -> None:
        await super().shut(CLOSE_CODES.get(code, 1000 if code == 1000 else 1008), reason)


def _transcription(text: str, seq: int, final: bool, over: bool, **more: Any) -> dict[str, Any]:
    return {
        "type": "transcription",
        "text": text,
        "is_final": final,
        "speech_final": over,
        "sentence_id": f"s{seq}",
        **more,
    }


def _error(error: ServiceError) -> dict[str, Any]:
    code = CODES.get(error.code) or error.code.upper()
    return {"type": "error", "error": error.message, "error_code": code}


def _fields(data: Mapping[str, Any]) -> dict[str, Any]:
    """60db's names as ours. Raises INVALID_REQUEST."""
    settings = data.get("config") or {}
    if not isinstance(settings, Mapping):
        raise wrong("config is an object.")
    fields: dict[str, Any] = {"context": data.get("context") or None}
    if "languages" in data or "languages" in settings:
        fields["language"] = _languages(data.get("languages", settings.get("languages")))
    if "encoding" in settings:
        fields["encoding"] = _encoding(settings["encoding"])
    if settings.get("sample_rate"):
        fields["sample_rate"] = _rate(settings["sample_rate"])
    endpoint = settings.get("utterance_end_ms", USUAL_ENDPOINT_MS)
    if not isinstance(endpoint, int) or isinstance(endpoint, bool):
        raise wrong("utterance_end_ms is a number of at least 300.")
    fields["endpoint_ms"] = fields["max_endpoint_ms"] = min(2000, max(LEAST_ENDPOINT_MS, endpoint))
    if "interim_results_frequency" in settings:
        every = settings["interim_results_frequency"]
        fields["partials"] = every is not None
        fields["partial_interval_ms"] = max(200, every) if isinstance(every, int) else None
    return {name: value for name, value in fields.items() if value is not None}


def _languages(value: Any) -> Any:
    if value is None:
        return "auto"
    if not isinstance(value, list) or "auto" in value:
        raise wrong("languages is a list of codes, or null to detect; the word auto is not a code.")
    return value[0] if len(value) == 1 else value


def _encoding(value: Any) -> Encoding:
    if value not in list(ENCODINGS):
        raise wrong("encoding is linear or mulaw.")
    return ENCODINGS[value]


def _rate(value: Any) -> int:
    if value not in RATES:
        raise wrong(f"sample_rate is one of {', '.join(map(str, RATES))}.")
    return int(value)
