"""pyannote.audio's community-1 pipeline, taken apart: windows are heard one by one, and clustered at the end.

The only module that imports pyannote.audio. Its own pipeline wants the whole recording in memory as floats and walks
over it three times; here it gets its segmentations and embeddings from windows that were heard before, and does the
rest (count, clustering, assignment) as published.
"""

import os

os.environ["PYANNOTE_METRICS_ENABLED"] = "false"  # read at import: else every run is reported to the vendor

import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import yaml
from pyannote.audio.pipelines.clustering import VBxClustering
from pyannote.audio.pipelines.speaker_diarization import SpeakerDiarization
from pyannote.audio.utils.reproducibility import fix_reproducibility
from pyannote.core import SlidingWindow, SlidingWindowFeature

from engine.protocols import Samples, SpeakerHints
from engine.types import SAMPLE_RATE, Turn

PARTS = ("segmentation", "embedding", "plda")
CLUSTERED = 5_000
"""Embeddings that the clusters are made of, at most: their distances take 100 MB. All are then given to a cluster."""
GPU_BATCH = 32

Floats = npt.NDArray[np.float32]
Marks = npt.NDArray[np.uint8]

# Hints that cannot be met, voices too short for a deviation: what was found is then what the caller gets.
warnings.filterwarnings("ignore", category=UserWarning, module=r"pyannote\.audio")


class _Clustering(VBxClustering):
    def filter_embeddings(self, embeddings: Any, segmentations: Any = None, min_active_ratio: float = 0.2) -> Any:
        found = super().filter_embeddings(embeddings, segmentations, min_active_ratio)
        count = len(found[0])
        if count <= CLUSTERED:
            return found
        kept = np.linspace(0, count - 1, CLUSTERED).astype(int)
        return tuple(part[kept] for part in found)

    def __call__(
        self,
        embeddings: Any,
        segmentations: Any = None,
        num_clusters: int | None = None,
        min_clusters: float = 1,
        max_clusters: float = np.inf,
        **others: Any,
    ) -> Any:
        """No more clusters than there are embeddings to make them of: k-means would refuse."""
        clear, *_ = self.filter_embeddings(embeddings, segmentations)
        if (most := len(clear)) < 2:
            windows, voices, dimension = embeddings.shape
            centroid = clear if most else np.zeros((1, dimension), dtype=np.float32)
            return np.zeros((windows, voices), dtype=np.int8), np.ones((windows, voices, 1)), centroid
        wanted = None if num_clusters is None else min(num_clusters, most)
        least, limit = min(min_clusters, most), min(max_clusters, most)
        return super().__call__(embeddings, segmentations, wanted, least, limit, **others)


class _Pipeline(SpeakerDiarization):
    """Finds in `file` what was heard, instead of listening to it."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.clustering = _Clustering(self._plda, metric=self._embedding.metric)

    def get_segmentations(self, file: Any, hook: Any = None) -> SlidingWindowFeature:
        return file["segmentations"]

    def get_embeddings(
        self, file: Any, binary_segmentations: Any, exclude_overlap: bool = False, hook: Any = None
    ) -> Floats:
        embeddings: Floats = file["embeddings"]
        return embeddings

    def reconstruct(self, segmentations: Any, hard_clusters: Any, count: Any) -> SlidingWindowFeature:
        """As the parent's, summed window by window: the parent holds every window times every cluster, in doubles."""
        frames = count.sliding_window
        windows = segmentations.sliding_window
        width = segmentations.data.shape[1]
        reach = windows.start + windows.duration + (len(hard_clusters) - 1) * windows.step + 0.5 * frames.duration
        speakers = max(int(hard_clusters.max()) + 1, int(count.data.max()))
        activity = np.zeros((frames.closest_frame(reach) + 1, speakers), dtype=np.float32)
        for clusters, (window, marks) in zip(hard_clusters, segmentations, strict=True):
            start = frames.closest_frame(window.start + 0.5 * frames.duration)
            for cluster in set(clusters.tolist()) - {-2}:
                activity[start : start + width, cluster] += marks[:, clusters == cluster].max(axis=1)
        whole = SlidingWindowFeature(activity, frames)
        extent = whole.extent & count.extent
        activity = whole.crop(extent, return_data=True)
        speaking = np.arange(speakers) < count.crop(extent, return_data=True)
        told = np.zeros_like(activity)
        np.put_along_axis(told, np.argsort(-activity, axis=-1), speaking.astype(np.float32), axis=1)
        return SlidingWindowFeature(told, frames)


@dataclass(frozen=True, slots=True)
class Heard:
    """Of some windows: who of the voices in it (at most three) speaks in which frame, and an embedding of each.

    `marks` is (windows, frames, voices) of 0 and 1, `embeddings` (windows, voices, dimension).
    """

    marks: Marks
    embeddings: Floats


@dataclass(frozen=True, slots=True)
class Told:
    """Speakers under the pipeline's own labels, with an embedding of each."""

    turns: tuple[Turn, ...]
    exclusive: tuple[Turn, ...]
    clusters: Mapping[str, Floats]


class Voices:
    """The loaded models. Thread-safe: one hears and one clusters at a time, so that memory does not grow with users."""

    def __init__(self, directory: Path, *, device: str, threads: int, step: float | None) -> None:
        """`step` is the share of a window's length between two windows; None: what the pipeline itself says."""
        torch.set_num_threads(threads)
        parameters, chosen = _configuration(directory)
        self._pipeline: Any = _Pipeline(**parameters)
        self._pipeline.instantiate(chosen)
        self._pipeline.to(torch.device(device))
        fix_reproducibility(torch.device(device))
        model = self._pipeline._segmentation.model
        if not model.specifications.powerset:
            raise ValueError("its segmentation model is not of the community-1 kind")
        if model.audio.sample_rate != SAMPLE_RATE or self._pipeline._embedding.sample_rate != SAMPLE_RATE:
            raise ValueError(f"its models do not work at {SAMPLE_RATE} Hz")
        seconds = float(model.specifications.duration)
        self.window = round(seconds * SAMPLE_RATE)
        self.step = round((step or self._pipeline.segmentation_step) * self.window)
        self.batch = 1 if device == "cpu" else GPU_BATCH
        """Windows to be heard together: on a CPU more of them take memory and save no time."""
        self._lock = threading.Lock()
        self._clustering = threading.Lock()
        self._least_frames = 0
        """More frames without overlap than this make an embedding; else the overlaps count as well."""
        self._nobody: Floats
        self._measure()

    def hear(self, windows: Samples) -> Heard:
        """`windows` is (windows, self.window). The embedding network's trunk runs once for all voices of a window."""
        with self._lock:
            waveforms = torch.from_numpy(windows)[:, None]
            marks: Marks = self._pipeline._segmentation.infer(waveforms).astype(np.uint8)
            embeddings = np.tile(self._nobody, (len(marks), 1, 1))
            if len(spoken := np.flatnonzero(marks.any(axis=(1, 2)))):
                weights = torch.from_numpy(self._weights(marks[spoken]))
                embeddings[spoken] = self._pipeline._embedding(waveforms[spoken], masks=weights)
            return Heard(marks, embeddings)

    def embed(self, samples: Samples) -> Floats:
        with self._lock:
            embedding: Floats = self._pipeline._embedding(torch.from_numpy(samples)[None, None])[0]
            return embedding

    def tell(self, heard: Heard, seconds: float, hints: SpeakerHints, check: Callable[[], None]) -> Told:
        """Who spoke when in a recording of `seconds`. `check` is called now and then, and may raise."""

        def hook(name: str, artifact: object, **progress: object) -> None:
            check()

        sliding = SlidingWindow(start=0.0, duration=self.window / SAMPLE_RATE, step=self.step / SAMPLE_RATE)
        segmentations = SlidingWindowFeature(heard.marks.astype(np.float32), sliding)
        file = {"uri": "recording", "segmentations": segmentations, "embeddings": heard.embeddings}
        with self._clustering:
            output = self._pipeline.apply(
                file,
                num_speakers=hints.exactly,
                min_speakers=hints.least,
                max_speakers=hints.most,
                hook=hook,
            )
        labels = output.speaker_diarization.labels()
        return Told(
            _turns(output.speaker_diarization, seconds),
            _turns(output.exclusive_speaker_diarization, seconds),
            dict(zip(labels, output.speaker_embeddings, strict=False)),
        )

    def _weights(self, marks: Marks) -> Floats:
        """(windows, voices, frames): where a voice is alone, or all of it where that is too little."""
        alone = marks * (marks.sum(axis=2, keepdims=True) < 2)
        enough = alone.sum(axis=1, keepdims=True) > self._least_frames
        chosen = np.where(enough, alone, marks) if self._pipeline.embedding_exclude_overlap else marks
        return np.ascontiguousarray(chosen.transpose(0, 2, 1)).astype(np.float32)

    def _measure(self) -> None:
        silence = torch.zeros(1, 1, self.window)
        frames, voices = self._pipeline._segmentation.infer(silence).shape[1:]
        if self._pipeline.embedding_exclude_overlap:
            self._least_frames = int(np.ceil(frames * self._pipeline._embedding.min_num_samples / self.window))
        # What the network says of a voice that is silent all through does not depend on the audio.
        self._nobody = self._pipeline._embedding(silence, masks=torch.zeros(1, voices, frames))[0]


def _configuration(directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What makes the pipeline, and its thresholds. Whatever names a hub instead of this directory is refused."""
    config = yaml.safe_load((directory / "config.yaml").read_text())
    parameters = dict(config["pipeline"]["params"])
    if parameters.get("clustering") != "VBxClustering":
        raise ValueError("its config.yaml is not of the community-1 kind (VBxClustering)")
    for part in PARTS:
        where = str(parameters.get(part))
        folder = directory / where.removeprefix("$model/")
        if not where.startswith("$model/") or not folder.is_dir():
            raise ValueError(f"its config.yaml looks for its {part} outside this directory")
        parameters[part] = {"checkpoint": str(folder)}
    return parameters, config["params"]


def _turns(annotation: Any, seconds: float) -> tuple[Turn, ...]:
    """Windows reach beyond the audio's end."""
    told = [
        Turn(round(max(0.0, segment.start), 3), round(min(segment.end, seconds), 3), str(label))
        for segment, _, label in annotation.itertracks(yield_label=True)
    ]
    return tuple(sorted((turn for turn in told if turn.end > turn.start), key=lambda turn: (turn.start, turn.end)))
