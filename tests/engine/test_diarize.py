"""Voices told apart: the packaged encoder on spoken clips, and stand-ins where behaviour in time matters."""

import os
import random
import threading
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.der import errors, read_rttm
from engine.backends import embedded_diarizer, voices
from engine.backends.voices import Points
from engine.config import EngineConfig
from engine.diarize import AHEAD, FAILED, Beside, hints, labelled
from engine.diarizers import diarizer
from engine.local import LocalEngine
from engine.protocols import Diarizer, SpeakerHints
from engine.types import SAMPLE_RATE, Chunk, Event, Options, Segment, Transcript, Turn, Word
from tests.engine.speech import MICRO, Pcm, silence

CLIPS = Path(__file__).parents[1] / "fixtures" / "clips"
AUDIO = Path(os.environ.get("TEST_SPEECH", Path(__file__).parents[2].parent / "shared" / "audio"))
REAL = pytest.mark.skipif(not (AUDIO / "two_speakers.wav").exists(), reason="TEST_SPEECH names no real speech")
MAN, WOMAN = ("en-us-1", "en-us-2", "en-us-3", "en-us-4"), ("en-us-f3-1", "en-us-f3-2", "en-us-f3-3")


@pytest.fixture(scope="module")
def embedded() -> Diarizer:
    found = diarizer(EngineConfig(models_dir=Path("unused"), diarizer="embedded"))
    if found is None:
        pytest.skip("Resemblyzer is not installed (requirements-nodeps.txt)")
    return found


def told(listener: Diarizer, pcm: Pcm, given: SpeakerHints | None = None, block: int = SAMPLE_RATE) -> tuple[Turn, ...]:
    listening = listener.listen(given or SpeakerHints())
    for at in range(0, len(pcm), block):
        listening.hear(pcm[at : at + block])
    turns = listening.turns()
    listening.close()
    return turns


def clip(name: str) -> Pcm:
    with wave.open(str(CLIPS / f"{name}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def dialogue(*parts: tuple[str, Sequence[str]]) -> tuple[Pcm, tuple[Turn, ...]]:
    """(name, clips) in order, with pauses."""
    pcm, turns = [silence(0.5)], []
    for name, clips in parts:
        start = sum(map(len, pcm)) / SAMPLE_RATE
        pcm.append(np.concatenate([clip(one) for one in clips]))
        turns.append(Turn(start, start + len(pcm[-1]) / SAMPLE_RATE, name))
        pcm.append(silence(0.6))
    return np.concatenate(pcm), tuple(turns)


def names(turns: Sequence[Turn]) -> list[str]:
    return list(dict.fromkeys(turn.speaker for turn in turns))


TALK = (("he", MAN[:2]), ("she", WOMAN[:2]), ("he", MAN[2:]), ("she", WOMAN[1:]))


@pytest.mark.parametrize(
    "given", [SpeakerHints(exactly=2), pytest.param(SpeakerHints(least=2, most=2), marks=pytest.mark.slow)]
)
def test_two_voices_are_told_apart(embedded: Diarizer, given: SpeakerHints) -> None:
    pcm, reference = dialogue(*TALK)
    found = told(embedded, pcm, given)
    assert names(found) == ["Speaker 1", "Speaker 2"]
    assert errors(reference, found, len(pcm) / SAMPLE_RATE).rate < 0.2


@pytest.mark.slow
def test_one_voice_is_one_speaker(embedded: Diarizer) -> None:
    pcm, _ = dialogue(("he", MAN), ("he", MAN))
    assert names(told(embedded, pcm)) == ["Speaker 1"]


@pytest.mark.slow
def test_turns_do_not_depend_on_how_the_audio_comes(embedded: Diarizer) -> None:
    pcm, _ = dialogue(*TALK)
    given = SpeakerHints(exactly=2)
    assert told(embedded, pcm, given, block=777) == told(embedded, pcm, given, block=len(pcm))


@pytest.mark.parametrize("seconds", [0.0, 0.3, 5.0])
def test_silence_has_no_speakers(embedded: Diarizer, seconds: float) -> None:
    assert told(embedded, silence(seconds), SpeakerHints(exactly=2)) == ()


def test_a_moment_of_speech_has_one_speaker_whatever_is_asked(embedded: Diarizer) -> None:
    pcm = np.concatenate([silence(0.3), clip(MAN[0])[:8000], silence(0.3)])
    assert len(names(told(embedded, pcm, SpeakerHints(exactly=5)))) <= 5


def test_a_voice_that_said_little_takes_no_more_than_that_from_the_others() -> None:
    """Three voices are asked for, of which the third spoke for a second, and the first as in two rooms."""
    rng = np.random.default_rng(4)
    centres = voices.unit(rng.normal(size=(3, 32)))
    whose = np.repeat([0, 1, 0, 2, 1, 0, 1, 0], [20, 20, 20, 4, 20, 20, 20, 20])
    room = rng.normal(scale=0.05, size=32) * (np.arange(len(whose)) < 64)[:, None]
    vectors = voices.unit(centres[whose] + room + rng.normal(scale=0.08, size=(len(whose), 32)))
    places = np.stack([np.arange(len(whose)), np.arange(len(whose)) + 1], axis=1) * np.float64(0.25)
    found = voices.tell(Points(places, vectors.astype(np.float16)), 3, 3)
    assert sorted(np.bincount(found.labels)) == [4, 60, 80]
    assert all(len(set(found.labels[whose == voice])) == 1 for voice in range(3))


def test_as_many_voices_as_asked_for_where_only_one_is_heard() -> None:
    rng = np.random.default_rng(5)
    vectors = voices.unit(voices.unit(rng.normal(size=(1, 32))) + rng.normal(scale=0.08, size=(120, 32)))
    places = np.stack([np.arange(120), np.arange(120) + 1], axis=1) * np.float64(0.25)
    found = voices.tell(Points(places, vectors.astype(np.float16)), 3, 3)
    assert len(np.unique(found.labels)) == len(found.voices) == 3


def test_the_encoder_is_let_go_when_nobody_listens() -> None:
    found = embedded_diarizer.find(EngineConfig(models_dir=Path("unused"), idle_unload_seconds=0.0))
    if found is None:
        pytest.skip("Resemblyzer is not installed (requirements-nodeps.txt)")
    listening = found.listen(SpeakerHints())
    assert found.unload_idle() == []
    listening.close()
    assert found.unload_idle() == ["embedded"]
    found.close()


def test_an_engine_that_closes_closes_its_diarizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripted = Scripted()
    monkeypatch.setattr("engine.local.diarizer", lambda config: scripted)
    LocalEngine(EngineConfig(models_dir=tmp_path, default_model=str(MICRO), fetch_models=False)).close()
    assert scripted.closed


@pytest.mark.slow
def test_many_blocks_of_points_give_the_voices_of_one() -> None:
    rng = np.random.default_rng(3)
    centres = voices.unit(rng.normal(size=(3, 32)))
    whose = np.repeat(np.arange(510) % 3, 10)
    vectors = voices.unit(centres[whose] + rng.normal(scale=0.08, size=(len(whose), 32)))
    places = np.stack([np.arange(len(whose)), np.arange(len(whose)) + 1], axis=1) * np.float64(0.25)
    points = Points(places, vectors.astype(np.float16))
    assert len(points.blocks()) > 2
    found = voices.tell(points, 1, 10)
    assert len(found.voices) == 3
    same = [len(set(found.labels[whose == voice].tolist())) for voice in range(3)]
    assert same == [1, 1, 1]


@REAL
@pytest.mark.slow
def test_a_telephone_call_of_two(embedded: Diarizer) -> None:
    pcm = _real("two_speakers")
    found = told(embedded, pcm, SpeakerHints(exactly=2))
    assert names(found) == ["Speaker 1", "Speaker 2"]
    assert errors(read_rttm(AUDIO / "two_speakers.rttm"), found, 30.0).rate <= 0.20
    assert names(told(embedded, _real("beckett"))) == ["Speaker 1"]


def _real(name: str) -> Pcm:
    with wave.open(str(AUDIO / f"{name}.wav")) as file:
        assert file.getframerate() == SAMPLE_RATE
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


@pytest.mark.slow
def test_the_error_rate_is_that_of_pyannote_metrics() -> None:
    metrics = pytest.importorskip("pyannote.metrics.diarization")
    core = pytest.importorskip("pyannote.core")
    rng = random.Random(5)
    for _ in range(5):
        sides = [_random_turns(rng) for _ in range(2)]
        marks = []
        for turns in sides:
            marks.append(core.Annotation())
            for number, turn in enumerate(turns):
                marks[-1][core.Segment(turn.start, turn.end), number] = turn.speaker
        whole = core.Timeline([core.Segment(0, 40)])
        theirs = metrics.DiarizationErrorRate(collar=0.0)(*marks, uem=whole)
        assert errors(sides[0], sides[1], 40.0, collar=0.0).rate == pytest.approx(theirs, abs=0.005)


def _random_turns(rng: random.Random) -> tuple[Turn, ...]:
    found = []
    for speaker in "abc":
        at = rng.uniform(0, 3)
        while at < 36:
            end = round(at + rng.uniform(0.5, 4), 2)
            found.append(Turn(round(at, 2), end, speaker))
            at = end + rng.uniform(0.2, 6)
    return tuple(found)


class Scripted:
    """A diarizer that does what a test says."""

    name = "scripted"

    def __init__(self, *, fails: Exception | None = None) -> None:
        self.fails, self.heard = fails, 0
        self.closed = False
        self.go_on = threading.Event()

    def listen(self, given: SpeakerHints) -> "Scripted":
        return self

    def hear(self, block: Pcm) -> None:
        assert self.go_on.wait(20)
        if self.fails:
            raise self.fails
        self.heard += len(block)

    def turns(self) -> tuple[Turn, ...]:
        return (Turn(0.0, 10.0, "Speaker 1"),)

    def close(self) -> None:
        self.closed = True


SAID = Transcript("Hello.", "en", 1.0, 10.0, (Segment(0.0, 1.0, "Hello.", (Word("Hello.", 0.0, 1.0, 0.9),)),), "m")


def test_a_slow_diarizer_holds_the_reader_up_and_loses_nothing() -> None:
    slow = Scripted()
    beside = Beside(slow, SpeakerHints())
    beats = []

    def beat() -> None:
        beats.append(1)
        slow.go_on.set()

    for _ in range(AHEAD + 20):
        beside.hear(silence(0.1), beat)
    beside.end(beat)
    found = beside.outcome.result(timeout=20)
    assert slow.heard == (AHEAD + 20) * len(silence(0.1))
    assert beats
    assert found.turns == slow.turns()
    assert labelled(SAID, beside).speakers == ("Speaker 1",)


@pytest.mark.parametrize("error", [RuntimeError("a defect"), MemoryError()])
def test_a_diarizer_that_breaks_costs_the_labels_and_not_the_text(error: Exception) -> None:
    broken = Scripted(fails=error)
    broken.go_on.set()
    beside = Beside(broken, SpeakerHints())
    for _ in range(3 * AHEAD):
        beside.hear(silence(0.1))
    beside.end()
    assert type(beside.outcome.exception(timeout=20)) is type(error)
    result = labelled(SAID, beside)
    assert (result.text, result.speakers, result.warnings) == (SAID.text, (), (FAILED,))


def test_giving_up_ends_the_thread() -> None:
    beside = Beside(Scripted(), SpeakerHints())
    beside.close()
    assert beside.outcome.exception(timeout=20) is not None


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        (Options(speakers=2, min_speakers=1, max_speakers=5), SpeakerHints(exactly=2)),
        (Options(speakers=0, min_speakers=2, max_speakers=0), SpeakerHints(least=2)),
        (Options(max_speakers=-1), SpeakerHints()),
    ],
)
def test_zero_means_that_nothing_was_said(options: Options, meant: SpeakerHints) -> None:
    assert hints(options) == meant


def test_off_is_off() -> None:
    assert diarizer(EngineConfig(models_dir=Path("unused"), diarizer="off")) is None


@pytest.mark.slow
def test_a_run_labels_its_words_and_a_resumed_run_the_same(tmp_path: Path, embedded: Diarizer) -> None:
    pcm, _ = dialogue(*TALK[:2])
    source = tmp_path / "talk.wav"
    with wave.open(str(source), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    config = EngineConfig(models_dir=tmp_path, default_model=str(MICRO), fetch_models=False, decode_children=1)
    engine = LocalEngine(replace(config, diarizer="embedded"))
    options, events = Options(diarize=True, speakers=2), list[Event]()
    try:
        result = engine.transcribe(source, options, on_event=events.append)
        chunks = [event for event in events if isinstance(event, Chunk)]
        assert engine.transcribe(source, options, on_event=events.append, resume=chunks[:1]) == result
        plain = engine.transcribe(source, replace(options, diarize=False), on_event=events.append)
        again = engine.label_speakers(source, plain, options)
    finally:
        engine.close()
    assert result.speakers == ("Speaker 1", "Speaker 2")
    assert (plain.speakers, plain.turns, plain.text) == ((), (), result.text)
    assert (again.segments, again.turns) == (result.segments, result.turns)
