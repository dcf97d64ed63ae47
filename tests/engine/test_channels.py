"""A recording with a person on each channel: from the file to who said what, with the real test model."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine import channels
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MediaError
from engine.local import LocalEngine
from engine.types import Chunk, Event, Options, Transcript
from tests.engine.speech import MICRO, TEXTS, Pcm, clip, silence, talk
from tests.engine.wav import write_wav

ENGLISH = Options(language="en", channels="speakers")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    directory = tmp_path_factory.mktemp("models")
    engine = LocalEngine(
        EngineConfig(directory, default_model=str(MICRO), device="cpu", fetch_models=False, decode_children=1)
    )
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(tmp_path_factory.mktemp("models"), decode_children=1))
    yield decoder
    decoder.close()


def said_at(seconds: float, *cues: tuple[float, str]) -> Pcm:
    """One person's channel: clips at their times."""
    pcm = silence(seconds)
    for at, name in cues:
        start = round(at * 16_000)
        pcm[start : start + len(clip(name))] = clip(name)
    return pcm


def spoken(transcript: Transcript) -> list[tuple[str | None, str]]:
    return [(segment.speaker, segment.text) for segment in transcript.segments]


def transcribe(
    engine: LocalEngine, source: Path, resume: Sequence[Chunk] = (), options: Options = ENGLISH
) -> tuple[Transcript, list[Chunk]]:
    chunks: list[Chunk] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Chunk):
            chunks.append(event)

    return engine.transcribe(source, options, on_event=on_event, resume=resume), chunks


def test_each_channel_is_a_speaker_and_the_first_to_speak_is_speaker_1(engine: LocalEngine, tmp_path: Path) -> None:
    left = said_at(9.0, (3.0, "en_digits"))
    right = said_at(9.0, (0.6, "en_door"), (6.0, "en_report"))
    transcript, _ = transcribe(engine, write_wav(tmp_path / "call.wav", left, right))
    assert spoken(transcript) == [
        ("Speaker 1", TEXTS["en_door"]),
        ("Speaker 2", TEXTS["en_digits"]),
        ("Speaker 1", TEXTS["en_report"]),
    ]
    assert transcript.speakers == ("Speaker 1", "Speaker 2")
    assert [(turn.start, turn.speaker) for turn in transcript.turns] == [
        (segment.start, segment.speaker) for segment in transcript.segments
    ]
    assert transcript.duration == 9.0
    assert transcript.coverage > 0.9
    assert [segment.start for segment in transcript.segments] == pytest.approx([0.6, 3.0, 6.0], abs=0.5)


def test_people_who_talk_at_once_are_both_understood(engine: LocalEngine, tmp_path: Path) -> None:
    left, right = said_at(4.0, (1.0, "en_digits")), said_at(4.0, (1.1, "en_where"))
    transcript, _ = transcribe(engine, write_wav(tmp_path / "call.wav", left, right))
    assert sorted(text for _, text in spoken(transcript)) == sorted([TEXTS["en_digits"], TEXTS["en_where"]])
    assert len(transcript.speakers) == 2


def test_what_one_microphone_overhears_of_another_is_not_said_twice(engine: LocalEngine, tmp_path: Path) -> None:
    left = said_at(6.0, (0.6, "en_door")).astype(np.int32)
    right = said_at(6.0, (3.0, "en_digits")).astype(np.int32)
    bleeding = write_wav(
        tmp_path / "call.wav", *((a + b // 8).astype(np.int16) for a, b in ((left, right), (right, left)))
    )
    transcript, _ = transcribe(engine, bleeding)
    assert spoken(transcript) == [("Speaker 1", TEXTS["en_door"]), ("Speaker 2", TEXTS["en_digits"])]


def test_a_recording_that_is_stereo_in_name_only_has_one_speaker(engine: LocalEngine, tmp_path: Path) -> None:
    pcm = talk(["en_door", "en_digits"])
    transcript, _ = transcribe(engine, write_wav(tmp_path / "copy.wav", pcm, pcm))
    assert spoken(transcript) == [("Speaker 1", TEXTS["en_door"]), ("Speaker 1", TEXTS["en_digits"])]


def test_a_mono_recording_has_one_speaker(engine: LocalEngine, tmp_path: Path) -> None:
    transcript, _ = transcribe(engine, write_wav(tmp_path / "mono.wav", talk(["en_door"])))
    assert spoken(transcript) == [("Speaker 1", TEXTS["en_door"])]


def test_silence_on_all_channels_is_no_error(engine: LocalEngine, tmp_path: Path) -> None:
    transcript, _ = transcribe(engine, write_wav(tmp_path / "quiet.wav", silence(2.0), silence(2.0)))
    assert (transcript.segments, transcript.speakers, transcript.duration) == ((), (), 2.0)
    assert [notice.code for notice in transcript.warnings] == ["no_speech_detected"]


def test_a_run_taken_up_at_any_chunk_ends_in_the_same_transcript(engine: LocalEngine, tmp_path: Path) -> None:
    names = ["en_digits", "en_door", "en_where", "en_report", "en_water", "en_music"]
    left = said_at(36.0, *((at, names[at % 6]) for at in range(1, 34, 5)))
    right = said_at(36.0, *((at, names[at % 5]) for at in range(3, 34, 5)))
    source = write_wav(tmp_path / "long.wav", left, right)
    whole, chunks = transcribe(engine, source)
    assert len(chunks) > 1
    assert all(before.end == after.start for before, after in pairwise(chunks))
    assert sum(text in TEXTS.values() for _, text in spoken(whole)) > 10
    for count in range(1, len(chunks)):
        again, rest = transcribe(engine, source, chunks[:count])
        assert again == whole
        assert rest == chunks[count:]


@pytest.mark.parametrize("count", [1, 2, 6, 8])
def test_the_decoder_keeps_the_channels_apart(decoder: Decoder, tmp_path: Path, count: int) -> None:
    rng = np.random.default_rng(count)
    voices = rng.integers(-9000, 9000, (count, 20_000)).astype(np.int16)
    with decoder.open(write_wav(tmp_path / "many.wav", *voices), max_seconds=5.0, separate=True) as stream:
        blocks = list(stream)
    assert [block.shape for block in blocks] == [(16_000, count), (4_000, count)]
    assert np.array_equal(np.concatenate(blocks), voices.T)


def test_more_channels_than_can_be_people_are_refused(decoder: Decoder, tmp_path: Path) -> None:
    source = write_wav(tmp_path / "many.wav", *[silence(1.0)] * 16)
    with pytest.raises(MediaError) as refused, decoder.open(source, max_seconds=5.0, separate=True) as stream:
        list(stream)
    assert refused.value.code == "too_many_channels"


def test_length_is_counted_in_seconds_not_in_samples_of_all_channels(decoder: Decoder, tmp_path: Path) -> None:
    source = write_wav(tmp_path / "call.wav", *[silence(2.0)] * 4)
    with decoder.open(source, max_seconds=2.0, separate=True) as stream:
        assert sum(len(block) for block in stream) == 32_000
    with pytest.raises(MediaError) as refused, decoder.open(source, max_seconds=1.9, separate=True) as stream:
        list(stream)
    assert refused.value.code == "media_too_long"


def test_voices_as_loud_as_each_other_are_both_kept() -> None:
    both = np.stack([clip("en_digits")[:16_000], clip("en_where")[:16_000]], axis=1)
    kept = channels.without_crosstalk(both)
    loud = np.abs(both) > 3000
    assert np.array_equal(kept[loud], both[loud])
