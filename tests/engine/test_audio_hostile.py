"""Files that lie, break off, point elsewhere or want too much: each a typed code, and no harm done."""

import contextlib
import random
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from engine.audio import Decoder
from engine.config import EngineConfig
from engine.errors import MEDIA_MESSAGES, MediaError
from tests.engine import media
from tests.engine.decoding import decode, refusal

SECOND = b"\x10\x00" * 16_000


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=3))
    yield decoder
    decoder.close()


@pytest.fixture
def upload(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "upload.mp3"
        path.write_bytes(content)
        return path

    return write


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


NOT_MEDIA = {
    "one byte": b"\x00",
    "text": b"Dear all,\nplease find attached the minutes.\n" * 500,
    "random": random.Random(1).randbytes(200_000),
    "html": b"<!DOCTYPE html><script>alert(1)</script>",
    "riff only": b"RIFF\x00\x00\x00\x00WAVE",
    "flac magic": b"fLaC",
    "ogg magic": b"OggS" + bytes(200),
    "mp4 without moov": box(b"ftyp", b"isom\x00\x00\x02\x00isom") + box(b"mdat", bytes(5000)),
    "moov of 2 GB": box(b"ftyp", b"isom\x00\x00\x02\x00isom") + struct.pack(">I", 2**31 - 1) + b"moov" + bytes(5000),
    "png": media.huge_picture(),
    "ffmetadata": b";FFMETADATA1\ntitle=x\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>',
}


@pytest.mark.parametrize("name", NOT_MEDIA)
def test_what_is_no_media_is_refused(decoder: Decoder, upload: Callable[[bytes], Path], name: str) -> None:
    assert refusal(decoder, upload(NOT_MEDIA[name])) == "unsupported_media"


def test_an_empty_file_needs_no_child(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    assert refusal(decoder, upload(b"")) == "empty_file"


@pytest.mark.parametrize(
    ("muxer", "sound"), [("mp3", "libmp3lame"), ("wav", "pcm_s16le"), ("flac", "flac"), ("matroska", "libopus")]
)
def test_a_truncated_file_gives_what_it_holds(decoder: Decoder, tmp_path: Path, muxer: str, sound: str) -> None:
    rate = 48_000 if sound == "libopus" else media.RATE
    source = media.write_clip(tmp_path / "x", muxer, sound, seconds=6.0, rate=rate)
    content = source.read_bytes()
    source.write_bytes(content[: len(content) // 2])
    seconds, _, warnings = decode(decoder, source)
    assert 2.0 < seconds < 4.0
    # Matroska's streams state no length of their own, and FFmpeg believes the file's size over a WAV's header.
    if muxer in ("mp3", "flac"):
        assert "media_truncated" in {warning.code for warning in warnings}


def test_an_mp4_that_breaks_off_before_its_index_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", "aac", seconds=3.0)
    source.write_bytes(source.read_bytes()[:5000])
    assert refusal(decoder, source) == "unsupported_media"


def test_damaged_packets_are_skipped_and_counted(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", "aac", seconds=6.0)
    content = bytearray(source.read_bytes())
    content[3_000:5_000] = random.Random(3).randbytes(2_000)
    source.write_bytes(content)
    seconds, _, warnings = decode(decoder, source)
    assert 4.0 < seconds < 6.1
    assert "corrupt_packets_skipped" in {warning.code for warning in warnings}


def test_video_without_sound(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", None, video="mpeg4")
    assert refusal(decoder, source) == "no_audio_stream"


def test_the_first_of_several_sound_tracks_is_taken(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "matroska", "flac", seconds=2.0, video="mpeg4", tracks=3)
    with decoder.open(source, max_seconds=60) as stream:
        samples = np.concatenate(list(stream))
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    assert float(spectrum.argmax()) / 2 == pytest.approx(220.0, abs=2.0)


def test_more_tracks_than_anybody_records(decoder: Decoder, tmp_path: Path) -> None:
    most = media.write_clip(tmp_path / "64", "matroska", "pcm_s16le", seconds=0.2, tracks=64)
    assert decode(decoder, most)[0] == pytest.approx(0.2)
    more = media.write_clip(tmp_path / "65", "matroska", "pcm_s16le", seconds=0.2, tracks=65)
    assert refusal(decoder, more) == "unsupported_media"


def test_a_cover_of_ten_gigabytes_is_never_painted(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp3", "libmp3lame", seconds=2.0)
    source.write_bytes(media.id3_picture(media.huge_picture()) + source.read_bytes())
    with decoder.open(source, max_seconds=60) as stream:
        blocks = iter(stream)
        next(blocks)
        assert stream.info.has_video is False
        assert max(child.memory_info().rss for child in psutil.Process().children()) < 256 << 20


@pytest.mark.parametrize(("channels", "rate"), [(8, 192_000), (6, 48_000), (1, 4_000), (2, 384_000)])
def test_unusual_but_real_recordings_decode(
    decoder: Decoder, upload: Callable[[bytes], Path], channels: int, rate: int
) -> None:
    source = upload(media.wave_file(bytes(2 * channels * rate // 5), channels=channels, rate=rate))
    seconds, info, _ = decode(decoder, source)
    assert seconds == pytest.approx(0.2, abs=0.001)
    assert (info.channels, info.sample_rate) == (channels, rate)


@pytest.mark.parametrize("channels", [9, 64, 255])
def test_channels_that_nobody_can_mix_down(decoder: Decoder, upload: Callable[[bytes], Path], channels: int) -> None:
    source = upload(media.wave_file(bytes(2 * channels * 1_600), channels=channels))
    assert refusal(decoder, source) == "unsupported_channels"
    with pytest.raises(MediaError):
        decoder.probe(source)


def test_no_channel_at_all(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    assert refusal(decoder, upload(media.wave_file(SECOND, channels=0))) == "decode_failed"


@pytest.mark.parametrize("rate", [1, 3_999, 384_001, 2**31 - 1, 4_000_000_000])
def test_rates_outside_what_exists(decoder: Decoder, upload: Callable[[bytes], Path], rate: int) -> None:
    code = refusal(decoder, upload(media.wave_file(SECOND, rate=rate)))
    # 4 GHz does not fit FFmpeg's own int, so it is already gone before anybody looks at it.
    assert code == "unsupported_sample_rate" or (rate > 2**31 and code in {"unsupported_media", "decode_failed"})


@pytest.mark.parametrize(
    ("samples", "code"), [(1, "audio_too_short"), (160, "audio_too_short"), (1_599, "audio_too_short")]
)
def test_less_than_a_tenth_of_a_second(
    decoder: Decoder, upload: Callable[[bytes], Path], samples: int, code: str
) -> None:
    assert refusal(decoder, upload(media.wave_file(SECOND[: 2 * samples]))) == code


@pytest.mark.parametrize("value", [0, 12_345, 32_767, -32_768])
def test_silence_direct_current_and_clipping_are_audio(
    decoder: Decoder, upload: Callable[[bytes], Path], value: int
) -> None:
    source = upload(media.wave_file(struct.pack("<h", value) * 1_600))
    with decoder.open(source, max_seconds=1) as stream:
        assert [int(sample) for block in stream for sample in block] == [value] * 1_600


@pytest.mark.parametrize("bits", [32, 64])
def test_samples_that_are_no_numbers_become_silence(
    decoder: Decoder, upload: Callable[[bytes], Path], bits: int
) -> None:
    samples = np.full(48_000, 0.25, dtype=f"<f{bits // 8}")
    samples[1_000:1_010] = np.nan
    samples[2_000:2_010] = [np.inf, -np.inf] * 5
    samples[3_000:3_010] = 3e38
    source = upload(media.wave_file(samples.tobytes(), rate=48_000, bits=bits, format_tag=3))
    with decoder.open(source, max_seconds=2, rate=48_000) as stream:
        decoded = np.concatenate(list(stream))
    for start in (1_000, 2_000, 3_000):
        assert not decoded[start : start + 10].any()
    expected = round(0.25 * 32_768)
    assert set(np.unique(decoded)) == {0, expected}
    (warning,) = stream.warnings
    assert warning.code == "non_finite_samples"
    assert "30 samples" in warning.message


def test_two_recordings_joined_are_read_to_the_end(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "flac", "flac", seconds=3.0)
    source.write_bytes(source.read_bytes() * 2)
    seconds, info, _ = decode(decoder, source)
    assert info.duration == pytest.approx(3.0, abs=0.01)
    assert seconds == pytest.approx(6.0, abs=0.2)


def test_the_rate_may_change_on_the_way(decoder: Decoder, tmp_path: Path) -> None:
    first = media.write_clip(tmp_path / "1", "adts", "aac", seconds=2.0, rate=44_100)
    second = media.write_clip(tmp_path / "2", "adts", "aac", seconds=2.0, rate=16_000)
    first.write_bytes(first.read_bytes() + second.read_bytes())
    assert decode(decoder, first)[0] == pytest.approx(4.0, abs=0.3)


def test_a_day_in_164_kilobytes_stops_at_the_cap(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    content = media.silent_flac(24 * 3600)
    assert 150_000 < len(content) < 180_000
    before = psutil.Process().memory_info().rss
    assert refusal(decoder, upload(content), max_seconds=3600.0) == "media_too_long"
    assert psutil.Process().memory_info().rss - before < 16 << 20


@pytest.mark.slow
def test_eight_days_at_once(decoder: Decoder, upload: Callable[[bytes], Path]) -> None:
    source = upload(media.silent_flac(24 * 3600))
    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(lambda _: refusal(decoder, source, max_seconds=12 * 3600.0), range(8)))
    assert codes == ["media_too_long"] * 8


@pytest.mark.slow
def test_a_whole_day_decodes_where_that_is_allowed(upload: Callable[[bytes], Path], tmp_path: Path) -> None:
    decoder = Decoder(EngineConfig(models_dir=tmp_path, max_decoded_seconds=25 * 3600.0, decode_children=1))
    with contextlib.closing(decoder):
        seconds, _, _ = decode(decoder, upload(media.silent_flac(24 * 3600)), max_seconds=25 * 3600.0)
    assert seconds == pytest.approx(24 * 3600, abs=10)


def test_a_tag_of_256_megabytes_costs_nobody_memory(decoder: Decoder, tmp_path: Path) -> None:
    music = media.write_clip(tmp_path / "music", "mp3", "libmp3lame", seconds=2.0).read_bytes()
    size = (1 << 28) - 1
    source = tmp_path / "upload.mp3"
    with source.open("wb") as output:
        output.write(media.id3_tag(b"APIC" + struct.pack(">I", size - 10) + b"\x00\x00", claimed_size=size))
        output.seek(10 + size)
        output.write(music)
    before = psutil.Process().memory_info().rss
    try:
        assert decode(decoder, source)[0] == pytest.approx(2.0, abs=0.1)
    except MediaError as error:
        assert error.code in {"decode_resource_limit", "unsupported_media"}  # noqa: PT017 - both ends are well
    assert psutil.Process().memory_info().rss - before < 16 << 20


def seeds(folder: Path) -> list[bytes]:
    clips = [
        ("mp3", "libmp3lame", None),
        ("wav", "pcm_s16le", None),
        ("flac", "flac", None),
        ("mp4", "aac", "mpeg4"),
        ("webm", "libopus", None),
        ("avi", "libmp3lame", "mpeg4"),
        ("asf", "wmav2", None),
        ("mpeg", "mp2", None),
    ]
    return [
        media.write_clip(folder / muxer, muxer, sound, rate=48_000, video=video).read_bytes()
        for muxer, sound, video in clips
    ]


def mutated(content: bytes, generator: random.Random) -> bytes:
    """Bit flips, mostly in the head where the structures are, and now and then a cut or a splice."""
    data = bytearray(content)
    reach = len(data) if generator.random() < 0.5 else min(len(data), 512)
    for _ in range(generator.choice((1, 4, 32))):
        data[generator.randrange(reach)] ^= 1 << generator.randrange(8)
    if generator.random() < 0.2:
        start = generator.randrange(len(data))
        del data[start : start + generator.randrange(1, 2_000)]
    return bytes(data)


@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_whatever_a_mutated_file_does_the_answer_is_typed(decoder: Decoder, tmp_path: Path, count: int) -> None:
    generator = random.Random(count)
    corpus = seeds(tmp_path)
    for number in range(count):
        source = tmp_path / "mutated"
        source.write_bytes(mutated(corpus[number % len(corpus)], generator))
        try:
            seconds, _, _ = decode(decoder, source)
        except MediaError as error:
            assert error.code in MEDIA_MESSAGES  # noqa: PT017 - decoding well is fine too
        else:
            assert 0.1 <= seconds <= 60
