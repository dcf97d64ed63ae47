from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import known_speakers
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import BadReference
from engine.known_speakers import Likeness, Vector
from engine.types import KnownSpeaker, Turn
from tests.engine.speech import Pcm, clip, noise, silence
from tests.engine.wav import write_wav

LIKENESS = Likeness(threshold=0.7, margin=0.1)


def at(degrees: float) -> Vector:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0], dtype=np.float32)


def turn(start: float, speaker: str) -> Turn:
    return Turn(start, start + 1.0, speaker)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(tmp_path_factory.mktemp("models"), decode_children=1))
    yield decoder
    decoder.close()


def write(path: Path, pcm: Pcm) -> KnownSpeaker:
    return KnownSpeaker(path.stem, str(write_wav(path, pcm)))


# --- whose voice is it


def test_a_voice_gets_its_name_and_a_stranger_stays_a_number() -> None:
    turns = [turn(0, "a"), turn(1, "b"), turn(2, "a"), turn(3, "c")]
    clusters = {"a": at(170), "b": at(3), "c": at(85)}
    names = known_speakers.named(turns, clusters, {"Ann": at(0), "Ben": at(90)}, LIKENESS)
    assert names == {"a": "Speaker 1", "b": "Ann", "c": "Ben"}
    assert [told.speaker for told in known_speakers.called(turns, names)] == ["Speaker 1", "Ann", "Speaker 1", "Ben"]


def test_one_name_is_one_cluster_the_likest() -> None:
    clusters = {"a": at(20), "b": at(5), "c": at(-30)}
    assert known_speakers.recognised(clusters, {"Ann": at(0)}, LIKENESS) == {"b": "Ann"}


def test_one_cluster_is_one_name_and_the_pairs_add_up_to_the_most() -> None:
    likeness = Likeness(threshold=0.5, margin=0.0)
    found = known_speakers.recognised({"a": at(40), "b": at(10)}, {"Ann": at(0), "Ben": at(30)}, likeness)
    assert found == {"a": "Ben", "b": "Ann"}


def test_between_two_names_a_voice_is_nobody() -> None:
    assert known_speakers.recognised({"a": at(15)}, {"Ann": at(0), "Ben": at(31)}, LIKENESS) == {}


def test_a_stranger_is_never_forced_into_the_last_free_name() -> None:
    found = known_speakers.recognised({"a": at(0), "b": at(120)}, {"Ann": at(2), "Ben": at(60)}, LIKENESS)
    assert found == {"a": "Ann"}


def test_a_cluster_without_an_embedding_or_with_a_broken_one_is_nobody() -> None:
    broken = np.full(3, np.nan, dtype=np.float32)
    names = known_speakers.named([turn(0, "x"), turn(1, "a")], {"a": broken}, {"Ann": at(0)}, LIKENESS)
    assert names == {"x": "Speaker 1", "a": "Speaker 2"}


def test_a_number_that_is_somebodys_name_is_not_given_twice() -> None:
    turns = [turn(0, "a"), turn(1, "b")]
    names = known_speakers.named(turns, {"b": at(0)}, {"Speaker 1": at(0)}, LIKENESS)
    assert names == {"a": "Speaker 2", "b": "Speaker 1"}


# --- reference clips


def test_of_a_reference_the_speech_is_kept(decoder: Decoder, tmp_path: Path) -> None:
    speech = np.concatenate([clip("en_digits"), clip("en_door")])
    known = write(tmp_path / "Ann.wav", np.concatenate([silence(2.0), speech, silence(2.0)]))
    [voice] = known_speakers.hear(decoder, [known])
    assert voice.name == "Ann"
    assert 1.0 <= len(voice.samples) / 16000 <= len(speech) / 16000 + 0.5
    assert np.abs(voice.samples).max() <= 1.0


@pytest.mark.parametrize(
    ("pcm", "why"),
    [
        (clip("en_digits")[:16000], "too short"),
        (np.tile(clip("en_digits"), 12)[: 16000 * 12], "too long"),
        (silence(4.0), "less than 1 second of speech"),
        (noise(4.0, 20.0), "less than 1 second of speech"),
    ],
)
def test_a_reference_that_cannot_be_used_is_named_with_the_reason(
    decoder: Decoder, tmp_path: Path, pcm: Pcm, why: str
) -> None:
    good = write(tmp_path / "Ann.wav", np.tile(clip("en_digits"), 3)[: 16000 * 4])
    with pytest.raises(BadReference, match=f"Ben .*{why}") as refused:
        known_speakers.hear(decoder, [good, write(tmp_path / "Ben.wav", pcm)])
    assert refused.value.code == "invalid_reference"


def test_a_reference_that_is_no_recording_or_not_there_is_named(decoder: Decoder, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    with pytest.raises(BadReference, match="Ann cannot be read"):
        known_speakers.hear(decoder, [KnownSpeaker("Ann", str(tmp_path / "text.wav"))])
    with pytest.raises(BadReference, match="Ann is not there"):
        known_speakers.hear(decoder, [KnownSpeaker("Ann", str(tmp_path / "nothing.wav"))])


def test_two_references_under_one_name_are_refused(decoder: Decoder, tmp_path: Path) -> None:
    known = KnownSpeaker("Ann", str(tmp_path / "a.wav"))
    with pytest.raises(BadReference, match="two reference recordings for Ann"):
        known_speakers.hear(decoder, [known, known])
