import itertools
import json
import random
import wave
from pathlib import Path

import pytest
from faster_whisper import BatchedInferencePipeline, WhisperModel

from tests.micro_whisper import tokens
from tests.micro_whisper.clips import CLIPS, golden_clips, long_clip
from tests.micro_whisper.lexicon import sentence, translated

MODEL = Path(__file__).parent.parent / "fixtures" / "micro_whisper"


def test_the_program_writes_the_tokenizer_that_is_shipped() -> None:
    shipped = json.loads((MODEL / "tokenizer.json").read_text(encoding="utf-8"))
    assert tokens.tokenizer(tokens.compact_place) == shipped


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_sentence_can_be_written_in_tokens(language: str) -> None:
    chance = random.Random(1)
    for _ in range(500):
        words = sentence(language, chance)
        for word in words + (translated(words) if language == "es" else []):
            ids, mark = tokens.word_tokens(word)
            assert all(token < len(tokens.PIECES) for token in ids + mark)
            assert len(mark) == (word[-1] in ".,?")


@pytest.mark.slow
def test_the_model_hears_in_every_clip_what_golden_json_says() -> None:
    model = WhisperModel(str(MODEL), device="cpu", cpu_threads=2)
    batched = BatchedInferencePipeline(model)
    for clip in golden_clips():
        segments, info = model.transcribe(str(clip.path))
        assert (info.language, " ".join(segment.text.strip() for segment in segments)) == (clip.language, clip.text)
        segments, _ = batched.transcribe(str(clip.path), batch_size=4, language=clip.language)
        assert " ".join(segment.text.strip() for segment in segments) == clip.text


def test_golden_json_names_every_recording() -> None:
    assert sorted(clip.path for clip in golden_clips()) == sorted(CLIPS.glob("*.wav"))


def test_a_long_recording_is_as_long_as_asked_and_known_by_its_seed(tmp_path: Path) -> None:
    placed = long_clip(tmp_path / "a.wav", minutes=1.5, seed=7)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() == 90 * 16_000
    assert placed == long_clip(tmp_path / "b.wav", minutes=1.5, seed=7)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert all(left.end < right.start for left, right in itertools.pairwise(placed))
    assert len(placed) > 10
