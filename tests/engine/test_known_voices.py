"""Names for voices with the packaged encoder: synthetic voices, and real ones where a recording of them is at hand."""

import os
import wave
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.backends import embedded_diarizer
from engine.backends.embedded_diarizer import EmbeddedDiarizer
from engine.config import EngineConfig
from engine.errors import BadReference
from engine.local import LocalEngine
from engine.protocols import SpeakerHints, Voice
from engine.types import KnownSpeaker, Options, Turn
from tests.engine.speech import MICRO, Pcm, silence
from tests.engine.wav import write_wav

pytestmark = pytest.mark.slow

CLIPS = Path(__file__).parents[1] / "fixtures" / "clips"
RECORDINGS = Path(os.environ.get("TEST_RECORDINGS", "nowhere"))
"""A folder with two_speakers.wav and .rttm, the sample of pyannote.audio, and beckett.wav, a third voice."""


@pytest.fixture(scope="module")
def diarizer() -> EmbeddedDiarizer:
    found = embedded_diarizer.find(EngineConfig(Path("unused"), device="cpu"))
    if found is None:
        pytest.skip("Resemblyzer's weights are not installed (requirements-nodeps.txt)")
    return found


def pcm_of(path: Path) -> Pcm:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def voice(name: str, pcm: Pcm) -> Voice:
    return Voice(name, pcm.astype(np.float32) / np.float32(32768))


def turns_of(diarizer: EmbeddedDiarizer, pcm: Pcm, hints: SpeakerHints) -> tuple[Turn, ...]:
    listening = diarizer.listen(hints)
    try:
        listening.hear(pcm)
        return listening.turns()
    finally:
        listening.close()


def shared(one: Turn, other: Turn) -> float:
    return max(0.0, min(one.end, other.end) - max(one.start, other.start))


def test_synthetic_voices_get_their_names(diarizer: EmbeddedDiarizer) -> None:
    woman = [pcm_of(CLIPS / f"en-us-f3-{number}.wav") for number in (1, 2, 3)]
    man = [pcm_of(CLIPS / f"en-us-{number}.wav") for number in (1, 2, 3)]
    pause = silence(0.5)
    talk = np.concatenate([pause, woman[1], pause, man[1], pause, woman[2], pause, man[2], pause])
    ann, ben = voice("Ann", woman[0]), voice("Ben", man[0])

    def speakers(*voices: Voice) -> list[str]:
        return [turn.speaker for turn in turns_of(diarizer, talk, SpeakerHints(exactly=2, voices=voices))]

    assert speakers() == ["Speaker 1", "Speaker 2"] * 2
    assert speakers(ann, ben) == ["Ann", "Ben"] * 2
    assert speakers(ben) == ["Speaker 1", "Ben"] * 2


def test_a_synthetic_stranger_gets_nobodys_name(diarizer: EmbeddedDiarizer) -> None:
    man = np.concatenate([pcm_of(CLIPS / f"en-us-{number}.wav") for number in (1, 2)])
    ann = voice("Ann", pcm_of(CLIPS / "en-us-f3-1.wav"))
    assert {turn.speaker for turn in turns_of(diarizer, man, SpeakerHints(exactly=1, voices=(ann,)))} == {"Speaker 1"}


def test_a_run_of_the_engine_names_its_words(diarizer: EmbeddedDiarizer, tmp_path: Path) -> None:
    woman, man = (pcm_of(CLIPS / f"{name}-2.wav") for name in ("en-us-f3", "en-us"))
    source = write_wav(tmp_path / "talk.wav", np.concatenate([woman, silence(0.5), man]))
    ann = KnownSpeaker("Ann", str(CLIPS / "en-us-f3-1.wav"))
    options = Options(language="en", diarize=True, speakers=2, known_speakers=(ann,))
    config = EngineConfig(tmp_path, default_model=str(MICRO), device="cpu", fetch_models=False, decode_children=1)
    with closing(LocalEngine(config)) as engine:
        transcript = engine.transcribe(source, options, on_event=lambda event: None)
        assert transcript.speakers == ("Ann", "Speaker 1")
        assert [segment.speaker for segment in transcript.segments] == sorted(
            segment.speaker or "" for segment in transcript.segments
        )
        short = KnownSpeaker("Ben", str(write_wav(tmp_path / "ben.wav", man[:16_000])))
        for refused in (
            replace(options, known_speakers=(ann, short)),
            replace(options, channels="speakers"),
        ):
            with pytest.raises(BadReference):
                engine.transcribe(source, refused, on_event=lambda event: None)


@pytest.mark.skipif(not (RECORDINGS / "two_speakers.wav").exists(), reason="TEST_RECORDINGS has no two_speakers.wav")
def test_real_voices_get_their_names_and_a_third_one_does_not(diarizer: EmbeddedDiarizer) -> None:
    pcm = pcm_of(RECORDINGS / "two_speakers.wav")
    lines = [line.split() for line in (RECORDINGS / "two_speakers.rttm").read_text().splitlines()]
    truth = [Turn(float(line[3]), float(line[3]) + float(line[4]), line[7]) for line in lines]
    longest = {turn.speaker: turn for turn in sorted(truth, key=lambda turn: turn.end - turn.start)}
    voices = tuple(
        voice(name, pcm[round(turn.start * 16_000) : round(turn.end * 16_000)]) for name, turn in longest.items()
    )
    found = turns_of(diarizer, pcm, SpeakerHints(exactly=2, voices=voices))
    assert {turn.speaker for turn in found} == set(longest)
    right = sum(shared(one, other) for one in found for other in truth if one.speaker == other.speaker)
    assert right / sum(turn.end - turn.start for turn in truth) > 0.8
    stranger = voice("Beckett", pcm_of(RECORDINGS / "beckett.wav"))
    found = turns_of(diarizer, pcm, SpeakerHints(exactly=2, voices=(stranger,)))
    assert {turn.speaker for turn in found} == {"Speaker 1", "Speaker 2"}
