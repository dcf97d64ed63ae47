"""Speech detection and cutting, on real speech."""

from itertools import pairwise

import numpy as np
import pytest
from faster_whisper.vad import get_vad_model

from engine.types import SAMPLE_RATE
from engine.vad import FRAME, SpeechDetector, SpeechTracker
from engine.windows import WINDOW_LIMIT, Batch, batches, quietest
from tests.engine.speech import ENGLISH, FakeStream, Pcm, clip, noise, silence, talk, tone


@pytest.fixture(scope="module")
def speech() -> Pcm:
    """Sentences with pauses, and a stretch of over 30 s without any."""
    unbroken = np.concatenate([np.trim_zeros(clip("en_digits"))[:16000]] * 33)
    return np.concatenate([talk(ENGLISH * 2), unbroken, talk(ENGLISH[:4])])


def cut(pcm: Pcm, *, block: int = SAMPLE_RATE, batch_windows: int = 2, start: int = 0, index: int = 0) -> list[Batch]:
    return list(batches(FakeStream(pcm, block=block), batch_windows=batch_windows, start=start, index=index))


def same(left: Batch, right: Batch) -> bool:
    return (left.index, left.start, left.end, left.speech) == (right.index, right.start, right.end, right.speech) and [
        (window.spans, window.samples.tobytes()) for window in left.windows
    ] == [(window.spans, window.samples.tobytes()) for window in right.windows]


@pytest.mark.parametrize("step", [1, 32, 1000])
def test_the_stream_hears_what_the_whole_file_hears(speech: Pcm, step: int) -> None:
    audio = speech[: 400 * FRAME]
    whole = get_vad_model()(audio.astype(np.float32) / 32768).reshape(-1)
    detector = SpeechDetector()
    streamed = [
        probability
        for at in range(0, len(audio), step * FRAME)
        for probability in detector.probabilities(audio[at : at + step * FRAME])
    ]
    assert streamed[:-1] == whole[:-1].tolist()  # faster-whisper silences the end of the last frame


def test_a_short_dip_does_not_end_speech_and_a_click_does_not_begin_it() -> None:
    tracker = SpeechTracker()
    curve = [0.0, 0.9, 0.9, 0.0, 0.0, 0.9, 0.9, 0.9, *[0.0] * 6, 0.9, *[0.0] * 6]
    assert [found for p in curve if (found := tracker.push(p))] == [(1, 8)]


@pytest.mark.parametrize("block", [1600, 3 * SAMPLE_RATE])
def test_the_size_of_blocks_changes_nothing(speech: Pcm, block: int) -> None:
    expected, found = cut(speech), cut(speech, block=block)
    assert len(found) == len(expected)
    assert all(map(same, found, expected))


def test_cutting_goes_on_at_any_batch_end_as_if_it_had_never_stopped(speech: Pcm) -> None:
    whole = cut(speech)
    assert len(whole) >= 3
    for done in range(1, len(whole)):
        rest = cut(speech, start=whole[done - 1].end, index=done)
        assert len(rest) == len(whole) - done
        assert all(map(same, rest, whole[done:]))


def test_batches_tile_the_audio_and_grow(speech: Pcm) -> None:
    whole = cut(speech, batch_windows=4)
    assert whole[0].start == 0
    assert whole[-1].end == len(speech)
    assert all(left.end == right.start for left, right in pairwise(whole))
    assert [len(batch.windows) for batch in whole[:2]] == [1, 2]


def test_windows_hold_all_speech_once_within_thirty_seconds(speech: Pcm) -> None:
    for batch in cut(speech):
        spans = [span for window in batch.windows for span in window.spans]
        assert all(left.end <= right.start for left, right in pairwise(spans))
        for said in batch.speech:
            assert any(span.start <= said.start and said.end <= span.end for span in spans), said
        for window in batch.windows:
            assert len(window.samples) <= WINDOW_LIMIT
            assert len(window.samples) == sum(round((s.end - s.start) * SAMPLE_RATE) for s in window.spans)


def test_window_samples_are_the_files_own(speech: Pcm) -> None:
    window = cut(speech)[1].windows[0]
    parts = [speech[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)] for span in window.spans]
    assert np.array_equal(window.samples, np.concatenate(parts).astype(np.float32) / 32768)


def test_the_first_window_does_not_wait_for_thirty_seconds(speech: Pcm) -> None:
    first = cut(speech)[0]
    assert 6 * SAMPLE_RATE <= len(first.windows[0].samples) <= 15 * SAMPLE_RATE


@pytest.mark.parametrize("pcm", [silence(20), noise(20), tone(20, 440), tone(20, 1000), silence(0.1)])
def test_no_speech_gives_one_batch_without_windows(pcm: Pcm) -> None:
    [batch] = cut(pcm)
    assert (batch.start, batch.end, batch.windows, batch.speech) == (0, len(pcm), (), ())


def test_long_silence_closes_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.windows.SPARSE_WINDOW", 10 * SAMPLE_RATE)
    monkeypatch.setattr("engine.windows.BATCH_LIMIT", 20 * SAMPLE_RATE)
    whole = cut(np.concatenate([talk(ENGLISH[:2]), silence(45), talk(ENGLISH[:2])]))
    assert [len(batch.windows) for batch in whole] == [1, 0, 1]
    assert whole[0].windows[0].spans[-1].end < 10


def test_speech_at_the_very_edges_is_kept() -> None:
    pcm = np.concatenate([clip("en_door"), clip("en_music")])
    [batch] = cut(pcm)
    assert batch.windows[0].spans[0].start == 0
    assert batch.windows[0].spans[-1].end == len(pcm) / SAMPLE_RATE


def test_unbroken_speech_is_cut_at_its_quietest_place() -> None:
    loud = noise(3, level=9000)
    loud[20000:24000] = 0
    assert 20000 + 1280 <= quietest(loud) <= 24000 - 1280
