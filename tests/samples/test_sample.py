"""The recording that every visitor tries first must come out well without any download."""

import json

import pytest

from engine.types import transcript_from_dict
from tests.samples.make_sample import DIALOGUE, OUT, heard, plain

WRITTEN = " ".join(text for _, text in DIALOGUE)


def test_the_bundled_transcript_is_the_dialogue_with_rising_times() -> None:
    transcript = transcript_from_dict(json.loads((OUT / "sample.json").read_text(encoding="utf-8")))
    words = [word for segment in transcript.segments for word in segment.words]
    assert transcript.text == WRITTEN
    assert " ".join(word.text for word in words) == WRITTEN
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert words[-1].end < transcript.duration


def test_the_recording_is_small_enough_to_be_in_the_repository() -> None:
    assert (OUT / "sample.mp3").stat().st_size < 200_000


@pytest.mark.slow
def test_the_packaged_recogniser_gets_every_word_right() -> None:
    assert plain(heard(OUT / "sample.mp3").text) == plain(WRITTEN)
