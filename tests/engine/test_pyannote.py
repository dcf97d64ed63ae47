"""pyannote's pipeline with random weights: asked is not what it hears, but that it is what the published one hears."""

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.backends import pyannote
from engine.backends.pyannote import PyannoteDiarizer
from engine.config import EngineConfig
from engine.errors import Cancelled, ModelUnavailable
from engine.local import LocalEngine
from engine.protocols import Exclusive, Samples, SpeakerHints, Voice
from engine.types import Options, Turn
from tests.engine import community
from tests.engine.speech import MICRO, Pcm, noise, silence, talk
from tests.engine.wav import write_wav

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STEP = pyannote.CPU_STEP
NO_HINTS = SpeakerHints()


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    community.make(directory / "pyannote")
    return directory


@pytest.fixture(scope="module")
def diarizer(models_dir: Path) -> Iterator[PyannoteDiarizer]:
    found = pyannote.find(EngineConfig(models_dir, device="cpu", threads=2))
    assert found is not None
    yield found
    found.close()


@pytest.fixture(scope="module")
def voices(models_dir: Path) -> Any:
    from engine.backends.pyannote_pipeline import Voices

    return Voices(models_dir / "pyannote", device="cpu", threads=2, step=STEP)


@pytest.fixture(scope="module")
def heard(voices: Any, speech: Pcm) -> Any:
    starts = range(0, len(speech) - voices.window + 1, voices.step)
    return voices.hear(floats(np.stack([speech[at : at + voices.window] for at in starts])))


@pytest.fixture(scope="module")
def stock(models_dir: Path, diarizer: PyannoteDiarizer) -> Any:
    """The pipeline as published, from the same directory, with windows as far apart as ours."""
    from pyannote.audio import Pipeline

    pipeline: Any = Pipeline.from_pretrained(models_dir / "pyannote")
    pipeline._segmentation.step = STEP * community.WINDOW
    pipeline.segmentation_step = STEP
    return pipeline


@pytest.fixture(scope="module")
def speech() -> Pcm:
    return np.concatenate([talk(["en_digits", "en_door"]), noise(1.0), talk(["es_agua"])])


def told(
    diarizer: PyannoteDiarizer, pcm: Pcm, hints: SpeakerHints = NO_HINTS, block: int = 16_000
) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Turns and exclusive turns."""
    listening = diarizer.listen(hints)
    try:
        for at in range(0, len(pcm), block):
            listening.hear(pcm[at : at + block])
        turns = listening.turns()
        assert isinstance(listening, Exclusive)
        return turns, listening.exclusive_turns()
    finally:
        listening.close()


def stock_turns(annotation: Any, seconds: float) -> list[tuple[float, float, str]]:
    tracks = [(s.start, min(s.end, seconds), label) for s, _, label in annotation.itertracks(yield_label=True)]
    names: dict[str, str] = {}
    for _, _, label in sorted(tracks, key=lambda track: track[:2]):
        names.setdefault(label, f"Speaker {len(names) + 1}")
    return sorted((round(max(0.0, s), 3), round(e, 3), names[label]) for s, e, label in tracks if e > s)


def plain(turns: Sequence[Turn]) -> list[tuple[float, float, str]]:
    return sorted((turn.start, turn.end, turn.speaker) for turn in turns)


def floats(pcm: Pcm) -> Samples:
    return pcm.astype(np.float32) / np.float32(32768)


def file_of(pcm: Pcm) -> dict[str, object]:
    import torch

    return {"uri": "x", "sample_rate": 16_000, "waveform": torch.from_numpy(floats(pcm))[None]}


def speakers(turns: Sequence[Turn]) -> set[str]:
    return {turn.speaker for turn in turns}


# --- the same as the published pipeline


def test_window_by_window_it_says_what_the_published_pipeline_says(
    diarizer: PyannoteDiarizer, stock: Any, speech: Pcm
) -> None:
    turns, exclusive = told(diarizer, speech)
    output = stock.apply(file_of(speech))
    seconds = len(speech) / 16_000
    assert len(speakers(turns)) >= 2
    assert plain(turns) == stock_turns(output.speaker_diarization, seconds)
    times = [(start, end) for start, end, _ in stock_turns(output.exclusive_speaker_diarization, seconds)]
    assert [(turn.start, turn.end) for turn in exclusive] == times


def test_the_shared_trunk_gives_the_embeddings_of_one_pass_a_voice(voices: Any, stock: Any, speech: Pcm) -> None:
    pcm = np.concatenate([speech[: 2 * voices.window], silence(community.WINDOW)])
    starts = range(0, len(pcm) - voices.window + 1, voices.step)
    heard = voices.hear(floats(np.stack([pcm[at : at + voices.window] for at in starts])))
    segmentations = stock.get_segmentations(file_of(pcm))
    expected = stock.get_embeddings(file_of(pcm), segmentations, exclude_overlap=True)
    assert np.array_equal(heard.marks, segmentations.data.astype(np.uint8))
    assert np.allclose(heard.embeddings, expected, atol=1e-4)


def test_summing_window_by_window_reconstructs_the_same(voices: Any) -> None:
    from pyannote.audio.pipelines.speaker_diarization import SpeakerDiarization
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    pipeline = voices._pipeline
    rng = np.random.default_rng(3)
    frames = pipeline._segmentation.model.receptive_field
    width = pipeline._segmentation.model.num_frames(48_000)
    marks = (rng.random((40, width, 3)) < 0.4).astype(np.float32)
    sliding = SlidingWindowFeature(marks, SlidingWindow(start=0.0, duration=3.0, step=1.5))
    clusters = rng.integers(-1, 4, (40, 3))
    clusters[clusters == -1] = -2
    count = pipeline.speaker_count(sliding, frames, warm_up=(0.0, 0.0))
    ours = pipeline.reconstruct(sliding, clusters, count)
    theirs = SpeakerDiarization.reconstruct(pipeline, sliding, clusters, count)
    assert ours.sliding_window.step == theirs.sliding_window.step
    assert np.array_equal(ours.data, theirs.data)


def test_how_the_audio_comes_in_makes_no_difference(diarizer: PyannoteDiarizer, speech: Pcm) -> None:
    assert told(diarizer, speech, block=7_777) == told(diarizer, speech, block=len(speech))


# --- what the answer promises


def test_exclusive_turns_do_not_overlap_and_speak_of_the_same_people(diarizer: PyannoteDiarizer, speech: Pcm) -> None:
    turns, exclusive = told(diarizer, speech)
    overlapping = sum(a.end > b.start for a, b in pairwise(turns))
    assert overlapping, "these weights hear nobody talk across another: the test shows nothing"
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(exclusive))
    assert speakers(exclusive) <= speakers(turns)
    assert all(0.0 <= turn.start < turn.end <= len(speech) / 16_000 for turn in turns)


@pytest.mark.parametrize(
    ("hints", "least", "most"),
    [
        (SpeakerHints(exactly=1), 1, 1),
        (SpeakerHints(exactly=3), 3, 3),
        (SpeakerHints(least=3), 3, 50),
        (SpeakerHints(most=1), 1, 1),
        (SpeakerHints(exactly=40), 1, 40),
    ],
)
def test_hints_of_how_many_voices_there_are_bind(
    voices: Any, speech: Pcm, heard: Any, hints: SpeakerHints, least: int, most: int
) -> None:
    answer = voices.tell(heard, len(speech) / 16_000, hints, lambda: None)
    assert least <= len(speakers(answer.turns)) <= most
    assert set(answer.clusters) == speakers(answer.turns)


def test_a_known_voice_is_one_speaker_at_most(diarizer: PyannoteDiarizer, speech: Pcm) -> None:
    clip = floats(speech[16_000:64_000])
    turns, exclusive = told(diarizer, speech, SpeakerHints(exactly=3, voices=(Voice("Ann", clip),)))
    assert speakers(turns) == {"Ann", "Speaker 1", "Speaker 2"}
    numbered = [turn.speaker for turn in turns if turn.speaker != "Ann"]
    assert list(dict.fromkeys(numbered)) == ["Speaker 1", "Speaker 2"]
    assert speakers(exclusive) <= speakers(turns)


@pytest.mark.parametrize(
    "pcm", [silence(0.0), silence(0.3), talk(["en_door"])[:20_000]], ids=["none", "short", "speech"]
)
def test_less_audio_than_a_window_is_no_failure(diarizer: PyannoteDiarizer, pcm: Pcm) -> None:
    turns, _ = told(diarizer, pcm)
    assert all(turn.end <= len(pcm) / 16_000 for turn in turns)


def test_the_engine_takes_it_where_its_weights_are(models_dir: Path, tmp_path: Path, speech: Pcm) -> None:
    config = EngineConfig(models_dir, default_model=str(MICRO), device="cpu", fetch_models=False, decode_children=1)
    source = write_wav(tmp_path / "talk.wav", speech)
    with closing(LocalEngine(config)) as engine:
        assert engine.status().diarizer == "pyannote"
        options = Options(language="en", diarize=True, speakers=2)
        transcript = engine.transcribe(source, options, on_event=lambda event: None)
    assert not transcript.warnings
    assert speakers(transcript.turns) == set(transcript.speakers) == {"Speaker 1", "Speaker 2"}
    assert all(segment.speaker for segment in transcript.segments)


# --- failures, and letting go


def test_who_gives_up_stops_the_work(diarizer: PyannoteDiarizer, speech: Pcm) -> None:
    listening = diarizer.listen(SpeakerHints())
    ended: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(10_000):
                listening.hear(speech)
        except Cancelled as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    listening.close()
    thread.join(60)
    assert len(ended) == 1
    with pytest.raises(Cancelled):
        listening.turns()


def test_idle_weights_are_let_go_and_loaded_again(models_dir: Path) -> None:
    diarizer = PyannoteDiarizer(EngineConfig(models_dir, device="cpu", idle_unload_seconds=0.0))
    listening = diarizer.listen(SpeakerHints())
    assert diarizer.unload_idle() == []
    listening.close()
    assert diarizer.unload_idle() == ["pyannote"]
    told(diarizer, silence(1.0))
    diarizer.close()


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("config.yaml", community.CONFIG.replace("$model/embedding", "pyannote/wespeaker"), "outside this directory"),
        ("config.yaml", community.CONFIG.replace("VBxClustering", "KMeansClustering"), "community-1"),
        ("config.yaml", "no: [yaml", "cannot be loaded"),
        ("segmentation/pytorch_model.bin", "not a checkpoint", "cannot be loaded"),
    ],
)
def test_a_directory_that_cannot_be_loaded_is_an_error_for_its_operator(
    tmp_path: Path, models_dir: Path, file: str, content: str, why: str
) -> None:
    import shutil

    shutil.copytree(models_dir / "pyannote", tmp_path / "pyannote")
    (tmp_path / "pyannote" / file).write_text(content)
    diarizer = PyannoteDiarizer(EngineConfig(tmp_path, device="cpu"))
    with pytest.raises(ModelUnavailable, match=why) as refused:
        diarizer.listen(SpeakerHints())
    assert "models fetch" in refused.value.message or "models remove pyannote" in refused.value.message


def test_it_speaks_to_no_network(models_dir: Path) -> None:
    source = f"""
import os, socket, sys
os.environ["PYANNOTE_METRICS_ENABLED"] = "true"  # as some operator's environment might say
def refuse(*arguments, **names):
    print("network:", arguments, file=sys.stderr)
    os._exit(9)
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse)
socket.socket.connect = socket.socket.connect_ex = socket.socket.sendto = refuse
import time
from pathlib import Path
from engine.backends import pyannote
from engine.config import EngineConfig
from engine.protocols import SpeakerHints
from tests.engine.speech import talk
listening = pyannote.find(EngineConfig(Path({str(models_dir)!r}), device="cpu")).listen(SpeakerHints())
listening.hear(talk(["en_digits", "en_door"]))
assert listening.turns()
listening.close()
time.sleep(1.0)  # telemetry goes out half a second late, in a thread
print("done")
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
