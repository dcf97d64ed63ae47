import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.audio import Decoder
from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.errors import EngineError, MediaError, OutOfMemory
from engine.local import LocalEngine
from engine.probed import KEEP_SECONDS
from engine.types import Event, Options, Progress
from tests.engine.wav import write_silence

MICRO = Path(__file__).parents[1] / "fixtures" / "micro_whisper"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    config = EngineConfig(
        tmp_path_factory.mktemp("models"), default_model=str(MICRO), device="cpu", fetch_models=False, decode_children=1
    )
    engine = LocalEngine(config)
    yield engine
    engine.close()


@pytest.fixture
def silence(tmp_path: Path) -> Path:
    return write_silence(tmp_path / "silence.wav")


def ignore(event: Event) -> None: ...


def let_openings_end() -> None:
    for thread in threading.enumerate():
        if thread.name in ("open", "probe"):
            thread.join(20)


def failing(error: BaseException) -> Callable[..., Any]:
    def run(*_: object, **__: object) -> Any:
        raise error

    return run


def test_a_file_that_is_none_is_refused_before_any_model_is_loaded(engine: LocalEngine, tmp_path: Path) -> None:
    notes = tmp_path / "notes.wav"
    notes.write_text("not audio " * 50)
    with pytest.raises(MediaError):
        engine.transcribe(notes, Options(), on_event=ignore)
    assert not any(model.loaded for model in engine.status().models)


def test_status_says_what_answers_and_where(engine: LocalEngine) -> None:
    status = engine.status()
    assert (status.default_model, status.embedded, status.device, status.queued) == ("micro_whisper", False, "cpu", 0)


def test_what_breaks_inside_is_an_engine_error(
    engine: LocalEngine,
    silence: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.pipeline.run", failing(RuntimeError("CUDA failed with error out of memory")))
    with pytest.raises(OutOfMemory) as memory:
        engine.transcribe(silence, Options(), on_event=ignore)
    assert not memory.value.permanent
    monkeypatch.setattr("engine.pipeline.run", failing(ZeroDivisionError("a defect")))
    with pytest.raises(EngineError) as defect:
        engine.transcribe(silence, Options(), on_event=ignore)
    assert defect.value.code == "engine_fault"
    assert "ZeroDivisionError" in defect.value.message


def test_a_file_that_went_away_is_an_engine_error_wherever_it_is_missed(engine: LocalEngine, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere.wav"
    calls: list[Callable[[], object]] = [
        lambda: engine.probe(nowhere),
        lambda: engine.transcribe(nowhere, Options(), on_event=ignore),
        lambda: engine.make_playback(nowhere, tmp_path / "copy.m4a"),
    ]
    for call in calls:
        with pytest.raises(EngineError, match="No such file") as raised:
            call()
        assert raised.value.code == "engine_fault"


def test_what_the_caller_raises_comes_out_untouched(engine: LocalEngine, silence: Path, tmp_path: Path) -> None:
    reason = OSError("the caller's own")

    def give_up(*_: Event) -> None:
        raise reason

    calls: list[Callable[[], object]] = [
        lambda: engine.transcribe(silence, Options(), on_event=give_up),
        lambda: engine.make_playback(silence, tmp_path / "copy.m4a", give_up),
    ]
    for call in calls:
        with pytest.raises(OSError, match="own") as raised:
            call()
        assert raised.value is reason


@pytest.mark.parametrize("loaded", [False, True])
def test_a_slow_opening_is_told_and_can_be_left_without_leaving_a_decoder(
    silence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: bool
) -> None:
    engine = LocalEngine(
        EngineConfig(tmp_path, default_model=str(MICRO), device="cpu", fetch_models=False, decode_children=0)
    )
    if loaded:
        engine.transcribe(silence, Options(), on_event=ignore)
    let_openings_end()
    before = set(psutil.Process().children())
    reason = KeyError("enough")
    left = threading.Event()
    begin = Decoder._begin

    def slow(*arguments: Any) -> Any:
        assert left.wait(20)
        return begin(*arguments)

    def give_up(event: Event) -> None:
        raise reason

    monkeypatch.setattr(Decoder, "_begin", slow)
    with pytest.raises(KeyError) as raised:
        engine.transcribe(silence, Options(), on_event=give_up)
    assert raised.value is reason
    left.set()
    let_openings_end()
    psutil.wait_procs(set(psutil.Process().children()) - before, timeout=3 * KEEP_SECONDS)
    assert set(psutil.Process().children()) <= before
    engine.close()


@pytest.mark.parametrize(("asked", "refused"), [(0.0, True), (0.5, True), (1.0, False), (None, False)])
def test_no_more_is_transcribed_than_was_asked_for(
    engine: LocalEngine, silence: Path, asked: float | None, refused: bool
) -> None:
    options = Options(max_seconds=asked)
    if refused:
        with pytest.raises(MediaError, match="longer"):
            engine.transcribe(silence, options, on_event=ignore)
    else:
        assert engine.transcribe(silence, options, on_event=ignore).duration == 1.0


def test_a_wait_for_the_model_is_told(silence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = threading.Event()

    def slow(*arguments: Any) -> WhisperRecognizer:
        assert told.wait(20)
        return WhisperRecognizer(*arguments)

    monkeypatch.setattr("engine.backends.whisper.WhisperRecognizer", slow)
    engine = LocalEngine(EngineConfig(tmp_path, default_model=str(MICRO), device="cpu", decode_children=1))
    phases: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Progress):
            phases.append(event.phase)
            told.set()

    engine.transcribe(silence, Options(), on_event=listen)
    engine.close()
    assert phases[0] == "waiting"


def test_the_embedded_recogniser_says_that_it_answered(tmp_path: Path, silence: Path) -> None:
    embedded = LocalEngine(EngineConfig(tmp_path, device="cpu", fetch_models=False, decode_children=1))
    try:
        transcript = embedded.transcribe(silence, Options(), on_event=ignore)
    finally:
        embedded.close()
    assert transcript.model == "pocketsphinx-en-us"
    assert [notice.code for notice in transcript.warnings] == ["no_speech_detected", "embedded_model"]


def test_a_whisper_model_needs_no_such_notice(engine: LocalEngine, silence: Path) -> None:
    transcript = engine.transcribe(silence, Options(), on_event=ignore)
    assert [notice.code for notice in transcript.warnings] == ["no_speech_detected"]
