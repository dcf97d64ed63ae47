"""What the decoder gives for honest files, and how it manages its children."""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from engine import audio, probed, sandbox
from engine.audio import Decoder
from engine.config import EngineConfig
from engine.decode_child import AUDIO_DECODERS
from engine.errors import Cancelled, EngineError, MediaError, OutOfMemory
from engine.types import MediaInfo
from tests.engine import media

# Extension, muxer, sound encoder, picture encoder, and what the container calls itself.
CONTAINERS = [
    ("mp3", "mp3", "libmp3lame", None, "mp3"),
    ("wav", "wav", "pcm_s16le", None, "wav"),
    ("flac", "flac", "flac", None, "flac"),
    ("ogg", "ogg", "vorbis", None, "ogg"),
    ("m4a", "ipod", "aac", None, "mov,mp4,m4a,3gp,3g2,mj2"),
    ("aac", "adts", "aac", None, "aac"),
    ("opus", "ogg", "libopus", None, "ogg"),
    ("wma", "asf", "wmav2", None, "asf"),
    ("mp4", "mp4", "aac", "mpeg4", "mov,mp4,m4a,3gp,3g2,mj2"),
    ("webm", "webm", "libopus", "libvpx", "matroska,webm"),
    ("mkv", "matroska", "flac", "mpeg4", "matroska,webm"),
    ("avi", "avi", "libmp3lame", "mpeg4", "avi"),
    ("mov", "mov", "aac", "mpeg4", "mov,mp4,m4a,3gp,3g2,mj2"),
    ("wmv", "asf", "wmav2", "wmv2", "asf"),
    ("mpg", "mpeg", "mp2", "mpeg1video", "mpeg"),
    ("mpeg", "mpeg", "mp2", "mpeg2video", "mpeg"),
]


strangers: set[int] = set()
"""Children of an engine that another module's tests have left in this process."""


@pytest.fixture(scope="module", autouse=True)
def know_strangers() -> None:
    strangers.update(child.pid for child in psutil.Process().children())


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Decoder]:
    decoder = Decoder(EngineConfig(models_dir=tmp_path_factory.mktemp("models"), decode_children=2))
    yield decoder
    decoder.close()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return media.write_clip(tmp_path / "clip.wav", "wav", "pcm_s16le", seconds=2.5)


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.pid not in strangers and _is_decoder(child)]


def _is_decoder(process: psutil.Process) -> bool:
    # A zombie's command line is empty, and it must be counted.
    try:
        return process.status() == psutil.STATUS_ZOMBIE or "engine.decode_child" in process.cmdline()
    except (psutil.NoSuchProcess, FileNotFoundError):  # reaped between the two
        return False


@pytest.mark.parametrize(("name", "muxer", "sound", "picture", "format_name"), CONTAINERS)
def test_it_decodes_every_promised_container(
    decoder: Decoder, tmp_path: Path, name: str, muxer: str, sound: str, picture: str | None, format_name: str
) -> None:
    rate = 48_000 if sound == "libopus" else media.RATE
    source = media.write_clip(tmp_path / "upload", muxer, sound, seconds=3.0, rate=rate, video=picture)
    with decoder.open(source, max_seconds=60) as stream:
        blocks = list(stream)
    samples = np.concatenate(blocks)
    assert stream.info.format == format_name
    assert stream.info.has_video is (picture is not None)
    assert all(0 < len(block) <= 16_000 and block.dtype == np.int16 for block in blocks)
    # Encoders pad to whole frames and wmav2 eats its first.
    assert len(samples) / 16_000 == pytest.approx(3.0, abs=0.1)
    assert _pitch(samples) == pytest.approx(220.0, abs=2.0)
    assert stream.warnings == ()
    if name == "aac":
        assert stream.info.duration is None
    else:
        assert stream.info.duration == pytest.approx(3.0, abs=0.1)


def _pitch(samples: audio.Block) -> float:
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64)))
    return float(spectrum.argmax()) * 16_000 / len(samples)


def test_probe_reads_the_header(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", "aac", seconds=2.0, video="mpeg4")
    info = decoder.probe(source)
    assert info == MediaInfo(
        format="mov,mp4,m4a,3gp,3g2,mj2", codec="aac", duration=info.duration,
        sample_rate=44_100, channels=1, has_video=True,
    )  # fmt: skip
    assert info.duration == pytest.approx(2.0, abs=0.05)


def test_the_decoder_that_probed_reads_the_file_whatever_it_is_called_now(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "mp4", "aac", seconds=2.0, rate=48_000)
    settle(decoder)
    info = decoder.probe(source)
    (prober,) = {child.pid for child in children()} - {spare.pid for spare in decoder_spares(decoder)}
    moved = source.rename(tmp_path / "stored")
    with decoder.open(moved, max_seconds=60) as stream:
        assert stream.info == info
        assert len(np.concatenate(list(stream))) / 16_000 == pytest.approx(2.0, abs=0.1)
        assert stream._child.process.pid == prober
    assert not psutil.pid_exists(prober)
    with decoder.open(moved, max_seconds=60) as stream:
        assert stream._child.process.pid != prober
        assert len(np.concatenate(list(stream))) / 16_000 == pytest.approx(2.0, abs=0.1)


def test_another_file_of_the_name_that_was_probed_is_read_as_it_is(
    decoder: Decoder, clip: Path, tmp_path: Path
) -> None:
    assert decoder.probe(clip).duration == pytest.approx(2.5)
    media.write_clip(tmp_path / "other", "flac", "flac", seconds=1.0).replace(clip)
    with decoder.open(clip, max_seconds=60) as stream:
        assert stream.info.format == "flac"
        assert sum(len(block) for block in stream) == 16_000


def test_a_decoder_that_dies_after_it_probed_is_not_missed(decoder: Decoder, clip: Path) -> None:
    settle(decoder)
    decoder.probe(clip)
    (prober,) = {child.pid for child in children()} - {spare.pid for spare in decoder_spares(decoder)}
    os.kill(prober, signal.SIGKILL)
    os.waitid(os.P_PID, prober, os.WEXITED | os.WNOWAIT)
    with decoder.open(clip, max_seconds=60) as stream:
        assert sum(len(block) for block in stream) == 40_000


def test_few_wait_after_a_probe_and_not_for_long(
    decoder: Decoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(decoder)
    monkeypatch.setattr(probed, "KEEP_SECONDS", 2.0)
    for number in range(probed.MOST + 2):
        decoder.probe(media.write_clip(tmp_path / str(number), "wav", "pcm_s16le", seconds=1.0))
    assert len(decoder._probed._kept) == probed.MOST
    settle(decoder)
    assert len(children()) == 2


def test_a_recording_that_states_no_length_has_none(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "x", "webm", "libopus", rate=48_000, options={"live": "1"})
    assert decoder.probe(source).duration is None


def test_it_resamples_to_the_rate_asked_for(decoder: Decoder, clip: Path) -> None:
    with decoder.open(clip, max_seconds=60, rate=48_000) as stream:
        assert sum(len(block) for block in stream) == 2.5 * 48_000


def test_the_cap_holds_to_the_second(decoder: Decoder, clip: Path) -> None:
    with decoder.open(clip, max_seconds=2.5) as stream:
        assert sum(len(block) for block in stream) == 40_000
    received: list[audio.Block] = []
    with decoder.open(clip, max_seconds=2.4) as stream, pytest.raises(MediaError) as caught:
        received.extend(stream)
    assert caught.value.code == "media_too_long"
    assert [len(block) for block in received] == [16_000, 16_000]


def test_a_missing_file_is_the_callers_error(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decoder.probe(tmp_path / "nothing")


def test_links_pipes_and_directories_are_refused(decoder: Decoder, clip: Path, tmp_path: Path) -> None:
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(clip)
    os.mkfifo(pipe)
    for source in (link, pipe, tmp_path):
        with pytest.raises(MediaError) as caught:
            decoder.probe(source)
        assert caught.value.code == "unsupported_media"


def test_closing_early_kills_the_child_and_leaves_nothing(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "long", "flac", "flac", seconds=120, rate=16_000)
    settle(decoder)
    before, spares = psutil.Process().num_fds(), {child.pid for child in children()}
    with decoder.open(source, max_seconds=600) as stream:
        next(iter(stream))
        (busy,) = spares - {spare.pid for spare in decoder_spares(decoder)}
        assert psutil.pid_exists(busy)
    assert not psutil.pid_exists(busy)
    wait_for_spares(decoder)
    assert psutil.Process().num_fds() == before
    assert len(children()) == 2
    with pytest.raises(Cancelled):
        next(iter(stream))


def settle(decoder: Decoder) -> None:
    """Until two spares are there, which are started a while after a file is taken, and nobody waits for an order."""
    wait_for_spares(decoder)
    deadline = time.monotonic() + 30
    while len(children()) > 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not decoder._probed._kept
    assert {child.pid for child in children()} == {spare.pid for spare in decoder_spares(decoder)}


def wait_for_spares(decoder: Decoder) -> None:
    """They are started a while after a file is taken."""
    deadline = time.monotonic() + 30
    while len(decoder._spares) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(decoder._spares) == 2


def decoder_spares(decoder: Decoder) -> list[psutil.Process]:
    return [psutil.Process(child.process.pid) for child in decoder._spares]


def test_a_child_that_is_killed_is_reaped_and_told_apart(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "long", "flac", "flac", seconds=120, rate=16_000)
    settle(decoder)
    known = {child.pid for child in children()}
    with decoder.open(source, max_seconds=600) as stream:
        (busy,) = known - {spare.pid for spare in decoder_spares(decoder)}
        psutil.Process(busy).kill()
        with pytest.raises(OutOfMemory, match="tried again") as caught:
            list(stream)
    assert not caught.value.permanent
    assert not psutil.pid_exists(busy)


def test_a_dead_spare_is_replaced_unnoticed(decoder: Decoder, clip: Path) -> None:
    for spare in decoder_spares(decoder):
        spare.kill()
    assert decoder.probe(clip).channels == 1
    settle(decoder)
    assert len(children()) == 2


def test_closing_from_another_thread_cancels_the_reader(decoder: Decoder, tmp_path: Path) -> None:
    source = media.write_clip(tmp_path / "long", "flac", "flac", seconds=600, rate=8_000)
    stream = decoder.open(source, max_seconds=600)
    blocks = iter(stream)
    next(blocks)
    closer = threading.Thread(target=stream.close)
    closer.start()
    closer.join()
    with pytest.raises(Cancelled):
        list(blocks)


def test_many_threads_share_a_decoder(decoder: Decoder, clip: Path) -> None:
    settle(decoder)
    before = psutil.Process().num_fds()

    def decode(_: int) -> int:
        with decoder.open(clip, max_seconds=60) as stream:
            return sum(len(block) for block in stream)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(decode, range(10))) == [40_000] * 10
    gc.collect()
    wait_for_spares(decoder)
    assert psutil.Process().num_fds() == before
    assert len(children()) == 2


def test_it_works_in_a_daemonic_process(clip: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    worker = context.Process(target=_probe_in_daemon, args=(clip, tmp_path, answers), daemon=True)
    worker.start()
    assert answers.get(timeout=60) == 44_100
    worker.join(timeout=60)
    assert worker.exitcode == 0


def test_a_forked_copy_takes_no_child_of_the_original(decoder: Decoder, clip: Path) -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    worker = context.Process(target=_probe_in_fork, args=(decoder, clip, answers))
    worker.start()
    assert answers.get(timeout=60) == 44_100
    worker.join(timeout=60)
    assert worker.exitcode == 0
    assert all(spare.status() != psutil.STATUS_ZOMBIE for spare in decoder_spares(decoder))
    assert decoder.probe(clip).sample_rate == 44_100


def _probe_in_fork(decoder: Decoder, source: Path, answers: "multiprocessing.Queue[int]") -> None:
    answers.put(decoder.probe(source).sample_rate)
    decoder.close()


def _probe_in_daemon(source: Path, models: Path, answers: "multiprocessing.Queue[int]") -> None:
    decoder = Decoder(EngineConfig(models_dir=models, decode_children=0))
    answers.put(decoder.probe(source).sample_rate)
    decoder.close()


def test_the_parents_memory_stays_flat(decoder: Decoder, tmp_path: Path) -> None:
    source = tmp_path / "hour"
    source.write_bytes(media.silent_flac(3600))
    before = psutil.Process().memory_info().rss
    peak = before
    with decoder.open(source, max_seconds=4000) as stream:
        for block in stream:
            peak = max(peak, psutil.Process().memory_info().rss)
            del block
    # An hour at 16 kHz is 115 MB.
    assert peak - before < 16 << 20


def test_close_ends_the_spares(decoder: Decoder, clip: Path, tmp_path: Path) -> None:
    settle(decoder)
    known = {child.pid for child in children()}
    another = Decoder(EngineConfig(models_dir=tmp_path, decode_children=3))
    another.probe(clip)
    another._refill()
    assert len(children()) == len(known) + 4
    another.close()
    assert {child.pid for child in children()} == known
    with pytest.raises(EngineError):
        another.probe(clip)


def test_strict_mode_refuses_a_reduced_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "self_test", lambda: sandbox.SelfTest(level="reduced", escaped=("fork",)))
    with pytest.raises(EngineError) as caught:
        Decoder(EngineConfig(models_dir=tmp_path, strict_sandbox=True))
    assert caught.value.code == "sandbox_unavailable"
    relaxed = Decoder(EngineConfig(models_dir=tmp_path, decode_children=0))
    assert relaxed.sandbox == "reduced"


def test_a_sandbox_that_leaks_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "self_test", lambda: sandbox.SelfTest(level="full", escaped=("connect",)))
    with pytest.raises(EngineError, match="connect"):
        Decoder(EngineConfig(models_dir=tmp_path))


def test_a_decoder_that_cannot_start_says_so(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "self_test", lambda: sandbox.SelfTest(level="full", escaped=()))
    monkeypatch.setattr(sandbox, "python_child", lambda *arguments: (["/bin/false"], {}))
    decoder = Decoder(EngineConfig(models_dir=tmp_path, decode_children=1))
    with pytest.raises(EngineError) as caught:
        decoder.probe(clip)
    assert caught.value.code == "engine_gone"
    assert not caught.value.permanent
    decoder.close()


def test_every_named_decoder_exists_and_is_for_sound() -> None:
    for name in AUDIO_DECODERS:
        assert av.codec.Codec(name, "r").type == "audio"
