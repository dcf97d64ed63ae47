"""Which language: given, among candidates, or heard stretch by stretch."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TranslatorMissing, UnsupportedLanguage
from engine.language import STRETCH, SWITCH, among, steady, stretches
from engine.protocols import LanguageGuess, Window
from engine.types import SAMPLE_RATE, Chunk, Event, LanguageDetection, Options, Span, chunk_from_dict
from engine.vad import total
from engine.windows import part
from tests.engine.speech import ENGLISH, SPANISH, silence, spoken, talk
from tests.engine.whole import Transcribe, micro, transcriber


@pytest.fixture(scope="module")
def transcribe() -> Iterator[Transcribe]:
    with transcriber(micro()) as transcribe:
        yield transcribe


MIXED = (*ENGLISH, *SPANISH, *SPANISH, *ENGLISH)


def test_a_language_that_was_given_is_not_listened_for(transcribe: Transcribe) -> None:
    result = transcribe(talk(ENGLISH[:2]), Options(language="en"))
    assert (result.language, result.language_probability) == ("en", 1.0)
    assert result.detection == LanguageDetection("given", 0, ())


def test_a_language_that_was_found_says_how(transcribe: Transcribe) -> None:
    result = transcribe(talk(SPANISH))
    assert (result.language_source, result.detection.calls) == ("detected", 1)
    language, probability = result.detection.candidates[0]
    assert language == "es"
    assert probability == pytest.approx(result.language_probability, abs=1e-3)
    assert [segment.language for segment in result.segments] == ["es"] * len(SPANISH)


def test_only_candidates_are_considered(transcribe: Transcribe) -> None:
    result = transcribe(talk(ENGLISH[:2]), Options(languages=("fr", "es")))
    assert result.language in ("es", "fr")
    assert {language for language, _ in result.detection.candidates} == {"es", "fr"}
    assert sum(share for _, share in result.detection.candidates) == pytest.approx(1.0)
    assert transcribe(talk(ENGLISH[:2]), Options(languages=("es", "en"))).language == "en"
    assert transcribe(talk(ENGLISH[:2]), Options(languages=("es",))).language_source == "given"


@pytest.mark.parametrize("options", [Options(languages=("en", "xx")), Options(language="klingon")])
def test_a_language_that_the_model_does_not_know_is_refused(transcribe: Transcribe, options: Options) -> None:
    with pytest.raises(UnsupportedLanguage, match="does not know the language"):
        transcribe(talk(ENGLISH[:1]), options)


def test_a_translation_that_no_model_here_can_make_is_refused(transcribe: Transcribe) -> None:
    with pytest.raises(TranslatorMissing) as caught:
        transcribe(talk(SPANISH[:1]), Options(task="translate", translate_to="de"))
    assert caught.value.code == "translator_missing"
    assert transcribe(talk(["es_agua"]), Options(language="es", task="translate", translate_to="en")).text


def test_speech_in_two_languages_is_heard_in_both(transcribe: Transcribe) -> None:
    result = transcribe(talk(MIXED, 0.9), Options(code_switching=True))
    assert result.language_source == "mixed"
    assert (result.language, result.detection.calls > 2) == ("en", True)
    heard = [segment.language for segment in result.segments]
    assert sum(left != right for left, right in pairwise(heard)) == 2  # there and back, no flapping
    spanish = " ".join(segment.text for segment in result.segments if segment.language == "es")
    assert sum(spoken([name]) in spanish for name in SPANISH) >= len(SPANISH) - 1
    assert result.text.startswith(spoken(ENGLISH[:5]))
    assert result.text.endswith(spoken(ENGLISH[2:]))


def test_one_language_stays_one_where_each_stretch_is_heard(transcribe: Transcribe) -> None:
    result = transcribe(talk(ENGLISH), Options(code_switching=True))
    assert (result.text, result.language_source) == (spoken(ENGLISH), "per_segment")


def test_a_resumed_run_switches_where_the_undisturbed_one_did(transcribe: Transcribe) -> None:
    options = Options(code_switching=True, languages=("en", "es"))
    pcm = np.concatenate([silence(5), talk(MIXED, 0.9), silence(3)])
    chunks: list[Chunk] = []

    def keep(event: Event) -> None:
        if isinstance(event, Chunk):
            chunks.append(event)

    whole = transcribe(pcm, options, on_event=keep)
    assert len(chunks) > 1
    for count in range(1, len(chunks)):
        kept = [chunk_from_dict(json.loads(json.dumps(asdict(chunk)))) for chunk in chunks[:count]]
        assert kept == chunks[:count]
        assert transcribe(pcm, options, resume=kept) == whole


def test_segments_know_their_chunk(transcribe: Transcribe) -> None:
    result = transcribe(talk(ENGLISH * 2))
    places = [segment.chunk for segment in result.segments]
    assert places == sorted(places)
    assert (places[0], len(set(places)) > 1) == (0, True)


def guess(language: str, probability: float) -> LanguageGuess:
    return LanguageGuess(language, probability)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ([("en", 0.9), ("es", 0.95), ("es", 0.6), ("en", 0.5)], ["en", "es", "es", "en"]),
        ([("es", 0.79), ("fr", 0.7), ("de", 0.6)], ["en", "en", "en"]),
        ([("es", SWITCH), ("fr", 0.79)], ["es", "es"]),
    ],
)
def test_a_change_wants_good_evidence(heard: Sequence[tuple[str, float]], expected: list[str]) -> None:
    assert list(steady([guess(*one) for one in heard], "en")) == expected


@given(st.lists(st.tuples(st.sampled_from(["en", "es", "fr"]), st.floats(0, 1)), max_size=20))
def test_no_language_comes_from_nowhere(heard: list[tuple[str, float]]) -> None:
    said = {language for language, probability in heard if probability >= SWITCH}
    assert set(steady([guess(*one) for one in heard], "en")) <= said | {"en"}


@given(st.lists(st.floats(0.0001, 1), min_size=1, max_size=5), st.sets(st.sampled_from("abcde"), min_size=1))
def test_candidates_share_one_whole(weights: list[float], languages: set[str]) -> None:
    ranked = tuple(sorted(zip("abcde", weights, strict=False), key=lambda one: -one[1]))
    chosen = among(LanguageGuess(ranked[0][0], ranked[0][1], ranked), sorted(languages))
    assert chosen.language in languages
    assert not chosen.candidates or sum(share for _, share in chosen.candidates) == pytest.approx(1.0)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, list[Span]]:
    lengths = draw(st.lists(st.tuples(st.floats(0.2, 5), st.floats(0.1, 3)), min_size=1, max_size=12))
    speech, at = [], 1.0
    for spoken_for, pause in lengths:
        speech.append(Span(at, at + spoken_for))
        at += spoken_for + pause
    end = speech[-1].end + 0.4
    return Window(np.arange(round((end - 0.6) * SAMPLE_RATE), dtype=np.float32), (Span(0.6, end),), channel=1), speech


@given(windows())
def test_stretches_are_the_window_in_parts(both: tuple[Window, list[Span]]) -> None:
    window, speech = both
    parts = list(stretches(window, speech))
    assert (parts[0].start, parts[-1].end) == (window.spans[0].start, window.spans[-1].end)
    assert all(left.end == right.start for left, right in pairwise(parts))
    for piece in parts:
        inside = [span for span in speech if piece.start <= span.start and span.end <= piece.end]
        assert inside
        assert len(parts) == 1 or total(inside) >= STRETCH / 2 - 1e-6
    pieces = [part(window, piece.start, piece.end) for piece in parts]
    assert {piece.channel for piece in pieces} == {1}
    cut = np.concatenate([piece.samples for piece in pieces])
    assert len(cut) == pytest.approx(len(window.samples), abs=len(parts))
