"""The browser's copy and its peaks."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MediaError
from engine.playback import PEAKS, PLAYBACK_RATE, Peaks, make_playback
from tests.engine import media


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    config = EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=2, max_decoded_seconds=100)
    decoder = Decoder(config)
    yield decoder
    decoder.close()


@pytest.mark.parametrize("source_rate", [44_100, 22_050, 48_000, 8_000])
def test_it_is_mono_aac_with_the_index_in_front(decoder: Decoder, tmp_path: Path, source_rate: int) -> None:
    rate = PLAYBACK_RATE
    source = media.write_clip(tmp_path / "source", "wav", "pcm_s16le", seconds=4.3, rate=source_rate)
    destination = tmp_path / "copy.m4a"
    playback = make_playback(decoder, source, destination)
    assert playback.duration == pytest.approx(4.3, abs=0.001)
    with av.open(str(destination)) as copy:
        (stream,) = copy.streams
        assert (stream.codec_context.name, stream.channels, stream.sample_rate) == ("aac", 1, rate)
        assert copy.duration / av.time_base == pytest.approx(4.3, abs=0.001)
        samples = np.concatenate([frame.to_ndarray()[0] for frame in copy.decode(stream)])
    assert len(samples) / rate == pytest.approx(4.3, abs=0.05)
    spectrum = np.abs(np.fft.rfft(samples))
    assert float(spectrum.argmax()) * rate / len(samples) == pytest.approx(220.0, abs=1.0)
    content = destination.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.m4a", "source"]


def test_peaks_follow_the_loudness(decoder: Decoder, tmp_path: Path) -> None:
    quiet_then_loud = np.concatenate([media.tone(3.0) // 4, media.tone(3.0)])
    source = tmp_path / "source"
    source.write_bytes(media.wave_file(quiet_then_loud.tobytes(), rate=media.RATE))
    peaks = np.frombuffer(make_playback(decoder, source, tmp_path / "copy.m4a").peaks, dtype=np.uint8)
    assert len(peaks) == PEAKS
    assert peaks[: PEAKS // 2 - 2].max() == round(2000 * 255 / 32768)
    assert set(peaks[PEAKS // 2 + 2 :]) == {round(8000 * 255 / 32768)}


@pytest.mark.parametrize("damage", ["not media", "too long"])
def test_a_failure_leaves_nothing_behind(decoder: Decoder, tmp_path: Path, damage: str) -> None:
    source, destination = tmp_path / "source", tmp_path / "copy.m4a"
    source.write_bytes(b"no audio" if damage == "not media" else media.silent_flac(150))
    destination.write_bytes(b"the copy of an earlier run")
    with pytest.raises(MediaError) as caught:
        make_playback(decoder, source, destination)
    assert caught.value.code == {"not media": "unsupported_media", "too long": "media_too_long"}[damage]
    assert destination.read_bytes() == b"the copy of an earlier run"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.m4a", "source"]


def test_a_caller_who_leaves_ends_it_and_leaves_nothing_behind(decoder: Decoder, tmp_path: Path) -> None:
    source, destination = tmp_path / "source", tmp_path / "copy.m4a"
    source.write_bytes(media.silent_flac(50))
    beats: list[None] = []

    def leave() -> None:
        beats.append(None)
        if len(beats) == 3:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        make_playback(decoder, source, destination, leave)
    assert len(beats) == 3
    assert list(tmp_path.iterdir()) == [source]


def test_peaks_of_any_length_and_any_blocks_are_the_loudest_samples() -> None:
    generator = np.random.default_rng(5)
    for length in (1, 1_999, 2_001, 44_101, 1_000_003):
        samples = generator.integers(-32_768, 32_768, length).astype(np.int16)
        peaks = Peaks()
        for start in range(0, length, 47_999):
            peaks.add(samples[start : start + 47_999])
        loudness = np.abs(samples.astype(np.int32))
        assert peaks.samples == length
        drawn = np.frombuffer(peaks.over(100), dtype=np.uint8)
        # Stretches reach into their neighbours: a bar is no lower than its middle, no higher than its surroundings.
        for index, bar in enumerate(drawn):
            inside = loudness[index * length // 100 : max((index + 1) * length // 100, index * length // 100 + 1)]
            margin = length // PEAKS + 1
            around = loudness[max(0, index * length // 100 - margin) : (index + 1) * length // 100 + margin]
            inner = inside[margin:-margin] if len(inside) > 2 * margin else inside[:0]
            assert round(inner.max(initial=0) * 255 / 32768) <= bar <= round(around.max() * 255 / 32768)


def test_full_scale_is_255() -> None:
    peaks = Peaks()
    peaks.add(np.full(10_000, -32_768, dtype=np.int16))
    assert set(peaks.over(PEAKS)) == {255}


@pytest.mark.slow
def test_the_parents_memory_hardly_grows_with_length(tmp_path: Path) -> None:
    source = tmp_path / "source"
    config = EngineConfig(models_dir=tmp_path, decode_children=1, max_decoded_seconds=600)
    with contextlib.closing(Decoder(config)) as decoder:
        source.write_bytes(media.silent_flac(20))
        make_playback(decoder, source, tmp_path / "copy.m4a")  # The first one loads the encoder.
        before = psutil.Process().memory_info().rss
        source.write_bytes(media.silent_flac(590))
        make_playback(decoder, source, tmp_path / "copy.m4a")
        # Ten minutes are 29 MB of samples, and 1 MB of index.
        assert psutil.Process().memory_info().rss - before < 8 << 20
