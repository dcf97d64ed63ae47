"""Names for voices: which of the speakers that were told apart is somebody whose voice the caller has sent along."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.audio import Decoder
from engine.errors import BadReference, MediaError
from engine.protocols import Samples, Voice
from engine.types import SAMPLE_RATE, KnownSpeaker, Turn
from engine.vad import FRAME, STEP, SpeechDetector, SpeechTracker

SHORTEST, LONGEST = 2.0, 10.0
"""Seconds a reference may last."""
ALLOWANCE = 0.5
"""Compressed files are longer than what was put into them."""
LEAST_SPEECH = 1.0
"""Seconds of the reference that have to be speech."""

Vector = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Likeness:
    """When two embeddings of one encoder are one voice: a cosine of `threshold`, and `margin` more than any other
    name has. Below that a voice is nobody's: a wrong name is worse than none."""

    threshold: float
    margin: float


def hear(decoder: Decoder, known: Sequence[KnownSpeaker], beat: Callable[[], None] = lambda: None) -> tuple[Voice, ...]:
    """What is spoken in the reference clips. Raises BadReference; `beat` is called between clips, and may raise."""
    names = [speaker.name for speaker in known]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadReference(f"There are two reference recordings for {min(twice)}; send one for each name.")
    voices = []
    for speaker in known:
        beat()
        voices.append(Voice(speaker.name, _speech(speaker.name, _clip(decoder, speaker))))
    return tuple(voices)


def named(
    turns: Sequence[Turn], clusters: Mapping[str, Vector], voices: Mapping[str, Vector], likeness: Likeness
) -> dict[str, str]:
    """What each speaker of `turns` is to be called: the name of the voice it is like, or `Speaker 1`, `Speaker 2`, …

    `clusters` holds an embedding of each speaker of `turns`, as far as there is one; `voices` one of each name.
    """
    names = recognised(clusters, voices, likeness)
    return numbered((turn.speaker for turn in sorted(turns, key=lambda turn: (turn.start, turn.end))), names)


def recognised(clusters: Mapping[str, Vector], voices: Mapping[str, Vector], likeness: Likeness) -> dict[str, str]:
    """Cluster to name, one to one, so that the likenesses add up to the most; who is like nobody is not in it."""
    if not clusters or not voices:
        return {}
    from scipy.optimize import linear_sum_assignment

    labels, names = list(clusters), list(voices)
    cosines = _unit([clusters[label] for label in labels]) @ _unit([voices[name] for name in names]).T
    likely = np.array([[_is_like(row, column, likeness) for column in range(len(names))] for row in cosines])
    rows, columns = linear_sum_assignment(np.where(likely, cosines, -1.0), maximize=True)
    return {labels[row]: names[column] for row, column in zip(rows, columns, strict=True) if likely[row, column]}


def numbered(speakers: Iterable[str], names: Mapping[str, str] | None = None) -> dict[str, str]:
    """`Speaker 1` and so on for those without a name, in the order in which they come first."""
    names = names or {}
    numbers = _numbers(set(names.values()))
    called: dict[str, str] = {}
    for speaker in speakers:
        if speaker not in called:
            called[speaker] = names.get(speaker) or next(numbers)
    return called


def called(turns: Sequence[Turn], names: Mapping[str, str]) -> tuple[Turn, ...]:
    return tuple(replace(turn, speaker=names[turn.speaker]) for turn in turns)


def _numbers(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if (label := f"Speaker {number}") not in taken:
            yield label


def _is_like(cosines: npt.NDArray[np.float32], column: int, likeness: Likeness) -> bool:
    others = np.delete(cosines, column)
    return bool(
        cosines[column] >= likeness.threshold and (not len(others) or cosines[column] - others.max() >= likeness.margin)
    )


def _unit(vectors: Sequence[Vector]) -> npt.NDArray[np.float32]:
    stacked: npt.NDArray[np.float32] = np.nan_to_num(np.stack(vectors).astype(np.float32))
    stacked /= np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-12)
    return stacked


def _clip(decoder: Decoder, speaker: KnownSpeaker) -> Pcm:
    whose = f"The reference recording of {speaker.name}"
    bounds = f"send {SHORTEST:.0f} to {LONGEST:.0f} seconds of that voice alone. Nothing was transcribed."
    try:
        with decoder.open(Path(speaker.clip), max_seconds=LONGEST + ALLOWANCE) as stream:
            blocks = list(stream)
    except OSError as error:
        raise BadReference(f"{whose} is not there: {error.strerror}. Nothing was transcribed.") from error
    except MediaError as error:
        if error.code == "media_too_long":
            raise BadReference(f"{whose} is too long; {bounds}") from error
        if error.code in ("audio_too_short", "empty_file"):
            raise BadReference(f"{whose} is too short; {bounds}") from error
        raise BadReference(f"{whose} cannot be read. {error.message} Nothing was transcribed.") from error
    pcm = np.concatenate(blocks)
    if len(pcm) < SHORTEST * SAMPLE_RATE:
        raise BadReference(f"{whose} is too short ({len(pcm) / SAMPLE_RATE:.1f} s); {bounds}")
    return pcm


def _speech(name: str, pcm: Pcm) -> Samples:
    """The stretches of speech, joined."""
    detector, tracker = SpeechDetector(), SpeechTracker()
    stretches = []
    for at in range(0, len(pcm), STEP):
        stretches += [tracker.push(chance) for chance in detector.probabilities(pcm[at : at + STEP])]
    spoken = [pcm[start * FRAME : end * FRAME] for start, end in filter(None, [*stretches, tracker.finish()])]
    if sum(map(len, spoken)) < LEAST_SPEECH * SAMPLE_RATE:
        raise BadReference(
            f"In the reference recording of {name} there is less than {LEAST_SPEECH:.0f} second of speech. "
            "Send a recording in which that person talks. Nothing was transcribed."
        )
    return np.concatenate(spoken).astype(np.float32) / np.float32(32768)
