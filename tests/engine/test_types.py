"""Values come back from JSON as they went: over the socket, and out of the database."""

import json
from typing import Any

import pytest

from engine.types import (
    Chunk,
    Keyword,
    KnownSpeaker,
    LanguageDetection,
    Levels,
    Options,
    Segment,
    Span,
    Transcript,
    Word,
    chunk_from_dict,
    options_from_dict,
    to_dict,
    transcript_from_dict,
)

SEGMENT = Segment(0.1, 0.9, "Acme", (Word("Acme", 0.1, 0.9, 0.5, "akme"),), "Speaker 1", "es", tokens=(1,), chunk=3)
DETECTION = LanguageDetection("mixed", 7, (("es", 0.75), ("en", 0.25)))
OPTIONS = Options(
    language="es",
    languages=("en", "es"),
    keywords=(Keyword("Acme", 5.0),),
    known_speakers=(KnownSpeaker("Anna", "/a.wav"),),
    code_switching=True,
    context=(("Topic", "Boats"), ("", "text")),
    min_snr_db=-5.0,
    clean=True,
    normalize_script=True,
)
CHUNK = Chunk(1, 0.0, 9.0, (SEGMENT,), (Span(0.1, 0.9),), "es", 0.75, (), DETECTION, Levels(0.5, 1.0, 0.1, 2.0))
TRANSCRIPT = Transcript("Acme", "es", 0.75, 9.0, (SEGMENT,), "micro", snr_db=6.5, detection=DETECTION)


@pytest.mark.parametrize(
    ("value", "read"),
    [(OPTIONS, options_from_dict), (CHUNK, chunk_from_dict), (TRANSCRIPT, transcript_from_dict)],
)
def test_a_value_comes_back_as_it_went(value: Any, read: Any) -> None:
    assert read(json.loads(json.dumps(to_dict(value)))) == value


def test_what_an_older_release_stored_can_be_read() -> None:
    plain = to_dict(CHUNK)
    for name in ("detection", "levels"):
        del plain[name]
    assert chunk_from_dict(plain).detection == LanguageDetection()
