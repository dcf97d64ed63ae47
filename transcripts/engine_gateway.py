"""The only bridge to the engine: settings become its configuration, its errors become refusals for callers."""

import asyncio
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar, cast

from django.conf import settings

from engine import catalog
from engine.config import EngineConfig, config_from_environment
from engine.errors import EngineError, EngineGone
from engine.streaming.events import LiveOptions
from engine.text.types import Answer, Extraction, Line, Message, Style
from engine.types import (
    Chunk,
    Cover,
    EngineStatus,
    Enhanced,
    Event,
    MediaInfo,
    Options,
    Playback,
    Priority,
    Spoken,
    Transcript,
)
from engine.waiting import in_thread
from stt_site.lib.errors import ErrorCode, ServiceError

if TYPE_CHECKING:
    from engine.protocols import Engine, ListensLive, Vectors
    from engine.store import ModelStore
    from engine.streaming.remote import Listening

T = TypeVar("T")
STATUS_SECONDS = 3.0
_lock = Lock()
_engine: "tuple[int, Engine] | None" = None
_status: tuple[float, EngineStatus] | None = None

# Engine codes that callers know under another name; the others are ErrorCodes themselves.
CODES = {
    "engine_gone": ErrorCode.ENGINE_UNAVAILABLE,
    "out_of_memory": ErrorCode.ENGINE_UNAVAILABLE,
    "models_busy": ErrorCode.ENGINE_UNAVAILABLE,
    "translator_missing": ErrorCode.MODEL_UNAVAILABLE,
    "overloaded": ErrorCode.OVERLOADED,
    "text_too_long": ErrorCode.INVALID_REQUEST,
    "cancelled": ErrorCode.CLIENT_CLOSED_REQUEST,
}
NOTHING_CHARGED = "Nothing was charged."


def config() -> EngineConfig:
    return replace(
        config_from_environment(settings.DATA_DIR / "models"), max_decoded_seconds=float(settings.MAX_AUDIO_SECONDS)
    )


def engine() -> "Engine":
    """One a process, made at first use; a forked child makes its own."""
    global _engine
    with _lock:
        if _engine is None or _engine[0] != os.getpid():
            _engine = (os.getpid(), _connect())
        return _engine[1]


def _connect() -> "Engine":
    # Imported here: with a socket, the engine's libraries must never enter this process.
    if settings.ENGINE_SOCKET:
        from engine.fleet import connect

        return connect(sockets())
    from engine.local import LocalEngine

    return LocalEngine(config())


def sockets() -> list[Path]:
    """One an engine; the settings name them with commas between."""
    return [Path(name.strip()) for name in settings.ENGINE_SOCKET.split(",") if name.strip()]


def engines_wanted() -> int:
    """One a GPU; one where there is none."""
    from engine import hardware

    return settings.ENGINES or (max(1, len(hardware.gpus())) if os.environ.get("STT_DEVICE") != "cpu" else 1)


def take_accelerator(number: int) -> None:
    """Leave only GPU `number` to this process, which has not used one yet."""
    from engine import hardware

    mine = hardware.gpus()
    if len(mine) > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = mine[number % len(mine)]


def refusal(error: EngineError) -> ServiceError:
    code = CODES.get(error.code)
    if code is None:
        code = ErrorCode(error.code) if error.code in set(ErrorCode) else ErrorCode.INTERNAL
    message = error.message if NOTHING_CHARGED in error.message else f"{error.message} {NOTHING_CHARGED}"
    return ServiceError(code, message, retry_after=None if error.permanent else 30)


def beside(call: Callable[[], T]) -> Future[T]:
    """A call of this module, answered while the caller goes on with something else."""
    return in_thread(call, "engine-call")


def probe(source: Path) -> MediaInfo:
    with _refusing():
        return engine().probe(source)


def transcribe(
    source: Path, options: Options, *, on_event: Callable[[Event], None], resume: Sequence[Chunk] = ()
) -> Transcript:
    """Raises EngineError as it is: whether to try again is the caller's to decide."""
    return engine().transcribe(source, options, on_event=on_event, resume=resume)


def make_playback(source: Path, destination: Path) -> Playback:
    """Raises EngineError as it is."""
    return engine().make_playback(source, destination)


def label_speakers(source: Path, transcript: Transcript, options: Options) -> Transcript:
    """Raises EngineError as it is."""
    return engine().label_speakers(source, transcript, options)


def check_speakers() -> None:
    """Raises MODEL_UNAVAILABLE where speakers cannot be told apart."""
    if status().diarizer is None:
        message = "This server cannot tell speakers apart: nothing for it is installed. Nothing was changed."
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


async def listen(options: LiveOptions) -> "Listening":
    """A live session on the engine that listens to the fewest. Raises EngineGone where none answers; whether it takes
    the stream is said by the session's first event."""
    if not settings.ENGINE_SOCKET:
        from engine.streaming.embedded import EmbeddedListening

        here = await asyncio.to_thread(engine)
        return EmbeddedListening(cast("ListensLive", here), options)
    from engine.streaming import remote

    gone: EngineGone | None = None
    for socket in await asyncio.to_thread(_quietest_first):
        try:
            return await remote.listen(socket, options)
        except EngineGone as error:
            gone = error
    raise gone or EngineGone("engine_gone", "No speech engine answers.")


def _quietest_first() -> list[Path]:
    from engine.client import EngineClient

    def streams(socket: Path) -> tuple[bool, int]:
        try:
            found = EngineClient(socket).status()
        except EngineError:
            return True, 0
        return not found.live_room, found.live

    return sorted(sockets(), key=streams) if len(sockets()) > 1 else sockets()


def enhance(source: Path, destination: Path, beat: Callable[[], None]) -> Enhanced:
    with _refusing():
        return engine().enhance(source, destination, beat)


def mask(
    source: Path, destination: Path, stretches: Sequence[tuple[float, float]], cover: Cover, beat: Callable[[], None]
) -> Enhanced:
    with _refusing():
        return engine().mask(source, destination, stretches, cover, beat)


def speak(reference: Path, text: str, destination: Path, beat: Callable[[], None]) -> Spoken:
    with _refusing():
        return engine().speak(reference, text, destination, beat)


def embed(texts: Sequence[str], *, priority: Priority = "interactive") -> "Vectors":
    """A row of length 1 for each text. Raises MODEL_UNAVAILABLE."""
    with _refusing():
        return engine().embed(texts, priority=priority)


def extract(what: Extraction, lines: Sequence[Line], *, style: Style = "brief", language: str | None = None) -> Answer:
    with _refusing():
        return engine().extract(what, lines, style=style, language=language)


def write(
    messages: Sequence[Message],
    *,
    most_tokens: int,
    temperature: float = 0.0,
    stop: Sequence[str] = (),
    beat: Callable[[], None] = lambda: None,
) -> Generator[str, None, bool]:
    """Piece by piece; closing the iterator ends the work. `beat` is called before the first piece, and may raise.
    Returns whether the text was cut off.

    Raises MODEL_UNAVAILABLE where this server has no writer of its own."""
    with _refusing():
        return (
            yield from engine().write(messages, most_tokens=most_tokens, temperature=temperature, stop=stop, beat=beat)
        )


def translate(texts: Sequence[str], source: str | None, target: str) -> list[str]:
    """Raises MODEL_UNAVAILABLE where this server has no translator, UNSUPPORTED_LANGUAGE."""
    with _refusing():
        return engine().translate(texts, source, target)


def status() -> EngineStatus:
    """At most three seconds old."""
    global _status
    if _status is None or time.monotonic() - _status[0] > STATUS_SECONDS:
        with _refusing():
            _status = (time.monotonic(), engine().status())
    return _status[1]


def checked(options: Options) -> Options:
    """`options` with the language in the engine's spelling. Raises UNKNOWN_MODEL, MODEL_UNAVAILABLE,
    UNSUPPORTED_LANGUAGE: what can be known before a body is read."""
    language = None if options.language is None else _checked_language(options.language, options.model)
    languages = tuple(_checked_language(candidate, options.model) for candidate in options.languages)
    if options.model is not None:
        _check_model(options.model)
    if options.translate_to is not None:
        _check_target(options.translate_to)
    if options.task == "translate":
        _check_translator(options.model)
    return replace(options, language=language, languages=languages)


def _check_translator(model: str | None) -> None:
    named = catalog.find(model) if model is not None else None
    if named is not None and not named.translates:
        raise _no_translator(ErrorCode.INVALID_REQUEST, f"{named.name} was not trained to translate.")
    here = status()
    able = catalog.translates(here.default_model) or any(
        known.installed and catalog.translates(known.id) for known in here.models
    )
    if named is None and not able:
        raise _no_translator(
            ErrorCode.MODEL_UNAVAILABLE, "No model that is installed on this server was trained to translate."
        )


def _no_translator(code: ErrorCode, why: str) -> ServiceError:
    names = ", ".join(catalog.translators())
    return ServiceError(code, f"{why} These can: {names}. Name one. {NOTHING_CHARGED}")


def _check_target(target: str) -> None:
    code = catalog.language_code(target)
    if code is None:
        message = f"There is no language {target!r}. GET /v1/languages lists them. Nothing was charged."
        raise ServiceError(ErrorCode.UNSUPPORTED_LANGUAGE, message)
    if code != "en":
        message = (
            f"This server has no model that translates into {catalog.WHISPER_LANGUAGES[code].title()}, only into "
            "English. Nothing was charged."
        )
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


def _check_model(model: str) -> None:
    entry = catalog.find(model)
    if entry is None:
        if catalog.tier(model) is None and model != status().default_model:
            names = ", ".join(known.id for known in catalog.MODELS)
            raise ServiceError(ErrorCode.UNKNOWN_MODEL, f"There is no model {model!r}. The models are: {names}.")
        return
    installed = any(known.id == entry.id and known.installed for known in status().models)
    if not installed and (entry.repo is None or not config().fetch_models):
        message = (
            f"The model {entry.id} is not installed on this server and may not be fetched. "
            "Name another one of GET /v1/models, or none. Nothing was charged."
        )
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


def _checked_language(language: str, model: str | None) -> str:
    code = catalog.language_code(language)
    if code is None:
        message = f"There is no language {language!r}. GET /v1/languages lists them. Nothing was charged."
        raise ServiceError(ErrorCode.UNSUPPORTED_LANGUAGE, message)
    entry = catalog.find(model or status().default_model)
    if entry is not None and entry.languages == 1 and code != "en":
        message = f"{entry.name} knows English only, not {catalog.WHISPER_LANGUAGES[code]}. Nothing was charged."
        raise ServiceError(ErrorCode.UNSUPPORTED_LANGUAGE, message)
    return code


def models() -> Sequence[catalog.ModelEntry]:
    return catalog.MODELS


def is_alias(model: str) -> bool:
    return catalog.tier(model) is not None


def fetchable_models() -> Sequence[catalog.ModelEntry]:
    """Those, what tells speakers apart and what does with text: no request names them."""
    return (*catalog.MODELS, *catalog.DIARIZERS, *catalog.TEXT)


def languages() -> dict[str, str]:
    """Code to lower-case English name."""
    return catalog.WHISPER_LANGUAGES


def language_code(name: str) -> str | None:
    """A code or an English name, in the engine's spelling."""
    return catalog.language_code(name)


def serve(socket: Path, *, exit_with_parent: bool) -> None:
    from engine.server import AlreadyRunning, serve

    try:
        serve(socket, config(), exit_with_parent=exit_with_parent)
    except AlreadyRunning as error:
        raise ServiceError(ErrorCode.CONFLICT, str(error)) from error


def installed_models() -> set[str]:
    """Asks the disk, so it works with no engine running."""
    store = _store()
    return {known.id for known in (*store.statuses(), *store.others()) if known.installed}


def fetch_model(model: str, on_progress: Callable[[float], None]) -> None:
    """Raises MODEL_UNAVAILABLE."""
    try:
        _store().fetch(model, on_progress)
    except EngineError as error:
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, error.message) from error


def remove_model(model: str) -> None:
    """Raises MODEL_UNAVAILABLE, also when it is in use."""
    try:
        _store().remove(model)
    except EngineError as error:
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, error.message) from error


def _store() -> "ModelStore":
    from engine.store import ModelStore

    return ModelStore(config())


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise refusal(error) from error
