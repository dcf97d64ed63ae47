"""Make tests/fixtures/clips: short WAV files whose text the shipped model gets exactly right, in every way we run it.

python -m tests.micro_whisper.make_clips [OUT_DIRECTORY]
"""

import itertools
import json
import random
import sys
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from faster_whisper import BatchedInferencePipeline, WhisperModel

from tests.micro_whisper.corpus import VOICES, voiced
from tests.micro_whisper.espeak import RATE, Samples, Voice, say
from tests.micro_whisper.lexicon import plain, sentence

FIXTURES = Path(__file__).parent.parent / "fixtures"
PER_VOICE = {"en-us": 4, "en-us+f3": 3, "en": 2, "en+m3": 2, "es": 2, "es-419+f2": 2}


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    chance = random.Random(20)
    judge = Judge(FIXTURES / "micro_whisper")
    golden = []
    for language, voices in VOICES["focus"].items():
        for name in voices:
            for number in range(1, PER_VOICE[name] + 1):
                samples, text = _exact_clip(language, name, number, judge, chance)
                file = f"{name.replace('+', '-')}-{number}.wav"
                write_wav(out / file, samples)
                golden.append({"file": file, "text": text, "language": language, "voice": name})
                print(f"{file}: {text}")
    (out / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


class Judge:
    """Sequential and batched, with and without VAD, beam 1 and 5, language given and detected: all must agree."""

    def __init__(self, model: Path) -> None:
        self.model = WhisperModel(str(model), device="cpu", cpu_threads=2, compute_type="int8")
        self.batched = BatchedInferencePipeline(self.model)

    def hears(self, samples: Samples, text: str, language: str) -> bool:
        for beam in (1, 5):
            for vad in (False, True):
                options = {"beam_size": beam, "vad_filter": vad, "word_timestamps": True}
                segments, info = self.model.transcribe(samples, **options)
                if info.language != language or _joined(segments) != text:
                    return False
                for without_timestamps in (True, False):
                    segments, _ = self.batched.transcribe(
                        samples, language=language, batch_size=4, without_timestamps=without_timestamps,
                        **{**options, "vad_filter": True},
                    )  # fmt: skip
                    if _joined(segments) != text:
                        return False
        return True


def _joined(segments: object) -> str:
    return " ".join(segment.text.strip() for segment in segments)  # type: ignore[attr-defined]


def _exact_clip(language: str, voice: str, sentences: int, judge: Judge, chance: random.Random) -> tuple[Samples, str]:
    for _ in range(200):
        texts = [" ".join(sentence(language, chance)) for _ in range(sentences)]
        if _repeats(texts) or sum(len(text.split()) for text in texts) < 4 * sentences:
            continue
        samples = _spoken(texts, voice, chance)
        text = " ".join(texts)
        if judge.hears(samples, text, language):
            return samples, text
    raise RuntimeError(f"The model gets nothing right that {voice} says")


def _repeats(texts: Sequence[str]) -> bool:
    """The model tends to drop a word said twice in a row; and a word that comes once can be looked for."""
    words = [plain(word) for text in texts for word in text.split()]
    content = [word for word in words if len(word) > 3]
    return len(set(content)) < len(content) or any(a == b for a, b in itertools.pairwise(words))


def _spoken(texts: Sequence[str], voice: str, chance: random.Random) -> Samples:
    parts = [np.zeros(int(0.3 * RATE), np.float32)]
    for text in texts:
        speech = say(text, Voice(voice, chance.randint(140, 175), chance.randint(40, 60)))
        begin, end = voiced(speech.samples)
        parts.append(speech.samples[int(max(0, begin - 0.05) * RATE) : int((end + 0.06) * RATE)] * np.float32(0.8))
        parts.append(np.zeros(int(chance.uniform(0.5, 0.8) * RATE), np.float32))
    return np.concatenate(parts)


def write_wav(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES / "clips")
