from typing import Any

import pytest

from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.api.dialects.interfaze.prompt import Wishes, urls_of, wishes_of
from transcripts.api.dialects.interfaze.request import ChatOrder, Source, parse

LANGUAGES = {"en": "english", "zh": "chinese", "fr": "french", "ht": "haitian creole", "my": "myanmar", "de": "german"}
AUDIO = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}


def body(*content: Any, system: str = "", **changes: Any) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}] if system else []
    return {"model": "interfaze-beta", "messages": [*messages, {"role": "user", "content": list(content)}], **changes}


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


def read(document: Any, **headers: str) -> ChatOrder:
    return parse(document, headers, LANGUAGES)


def schema(value: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "a", "schema": value}}


@pytest.mark.parametrize(
    ("data", "source"),
    [
        ("https://a.example/x.mp3", Source("url", "https://a.example/x.mp3", "")),
        ("data:audio/wav;base64,UklGRg==", Source("base64", "UklGRg==", "")),
        ("UklGRg==", Source("base64", "UklGRg==", "")),
    ],
)
def test_a_recording_in_each_of_its_places(data: str, source: Source) -> None:
    audio = {"type": "input_audio", "input_audio": {"data": data, "format": "mpeg"}}
    file = {"type": "file", "file": {"file_data": data, "filename": "talk.mp3"}}
    assert read(body(text("Transcribe."), audio)).sources == (source,)
    assert read(body(file)).sources == (Source(source.kind, source.value, "talk.mp3"),)


def test_a_url_in_the_prompt_ends_where_the_sentence_goes_on() -> None:
    assert urls_of("See (https://a.example/x_(1).mp3), then <https://b.example/y.wav>. Or http://c.example.") == (
        "https://a.example/x_(1).mp3",
        "https://b.example/y.wav",
        "http://c.example",
    )
    plain = {"messages": [{"role": "user", "content": "Transcribe https://a.example/x.mp3."}]}
    assert read(plain).sources == (Source("url", "https://a.example/x.mp3"),)


@pytest.mark.parametrize(
    "empty",
    [
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema"},
        {"type": "object", "properties": {}, "additionalProperties": True},
    ],
)
def test_the_three_empty_schemas_ask_for_the_task_s_own_shape(empty: dict[str, Any]) -> None:
    asked = body(AUDIO, system="<task>speech_to_text</task>", response_format=schema(empty))
    assert read(asked).shape == "task"
    full = {"type": "object", "properties": {"text": {"type": "string"}}}
    assert read({**asked, "response_format": schema(full)}).shape == "schema"
    assert read(body(AUDIO, system="<task>speech_to_text</task><task>ocr</task>")).shape == "task"
    assert read(body(AUDIO, response_format={"type": "json_object"})).shape == "object"
    assert read(body(AUDIO)).shape == "text"


@pytest.mark.parametrize(
    ("words", "wishes"),
    [
        ("Transcribe the audio file", Wishes()),
        ("Transcribe the following audio by word", Wishes(by_word=True)),
        ("Give word-level timestamps.", Wishes(by_word=True)),
        ("a time for every word", Wishes(by_word=True)),
        ("Transcribe and identify all the speakers", Wishes(speakers=True)),
        ("Diarize it", Wishes(speakers=True)),
        ("Who said what?", Wishes(speakers=True)),
        ("What does the speaker say?", Wishes()),
        ("Transcribe the audio file and translate it to chinese", Wishes(translate_to="zh")),
        ("Translate to me the recording into Haitian Creole please", Wishes(translate_to="ht")),
        ("Translate it in Mandarin", Wishes(translate_to="zh")),
        ("translate to fr", Wishes(translate_to="fr")),
        ("<task>translate</task> Translate the following into French:\n\nGood morning", Wishes(translate_to="fr")),
        ("Translate this.", Wishes(translate_to="en")),
        ("Do not translate it to French.", Wishes()),
        ("The audio is in French.", Wishes(language="fr")),
        ("Transcribe this German recording and translate it to English", Wishes(language="de", translate_to="en")),
        ("https://a.example/translate/to/chinese/by-word/speaker-labels.mp3", Wishes()),
    ],
)
def test_what_prose_asks_for(words: str, wishes: Wishes) -> None:
    assert wishes_of(words, LANGUAGES) == wishes


def test_no_language_is_guessed() -> None:
    with pytest.raises(ServiceError, match="klingon") as refused:
        wishes_of("Translate it to Klingon", LANGUAGES)
    assert refused.value.code is ErrorCode.UNSUPPORTED_LANGUAGE


@pytest.mark.parametrize(
    ("document", "code", "names"),
    [
        ([], ErrorCode.INVALID_REQUEST, "JSON object"),
        ({}, ErrorCode.INVALID_REQUEST, "messages"),
        ({"messages": []}, ErrorCode.INVALID_REQUEST, "messages"),
        ({"messages": ["hi"]}, ErrorCode.INVALID_REQUEST, "role"),
        ({"messages": [{"role": "boss", "content": "hi"}]}, ErrorCode.INVALID_REQUEST, "role"),
        ({"messages": [{"role": "user", "content": 5}]}, ErrorCode.INVALID_REQUEST, "content"),
        (body({"type": "video_url"}), ErrorCode.INVALID_REQUEST, "video_url"),
        (body({"type": "text"}), ErrorCode.INVALID_REQUEST, "text"),
        (body({"type": "file", "file": "x"}), ErrorCode.INVALID_REQUEST, "file"),
        (body({"type": "file", "file": {"file_data": ""}}), ErrorCode.EMPTY_FILE, "empty"),
        (body({"type": "file", "file": {"file_data": "data:audio/wav,RIFF"}}), ErrorCode.INVALID_REQUEST, "base64"),
        (body(AUDIO, AUDIO), ErrorCode.INVALID_REQUEST, "one recording"),
        (body(text("Hello")), ErrorCode.MISSING_FILE, "no recording"),
        (body({"type": "image_url"}), ErrorCode.MISSING_FILE, "picture"),
        (body(AUDIO, system="<task>ocr</task>"), ErrorCode.INVALID_REQUEST, "ocr"),
        (body(AUDIO, system="<guard>S1, ALL</guard>"), ErrorCode.MODEL_UNAVAILABLE, "safety"),
        (body(AUDIO, system="<guard>S99</guard>"), ErrorCode.INVALID_REQUEST, "S99"),
        (body(AUDIO, model="gpt-4o"), ErrorCode.UNKNOWN_MODEL, "gpt-4o"),
        (body(AUDIO, temperature=2.1), ErrorCode.INVALID_REQUEST, "temperature"),
        (body(AUDIO, temperature="hot"), ErrorCode.INVALID_REQUEST, "temperature"),
        (body(AUDIO, top_p=-1), ErrorCode.INVALID_REQUEST, "top_p"),
        (body(AUDIO, max_tokens=0), ErrorCode.INVALID_REQUEST, "max_tokens"),
        (body(AUDIO, n=2), ErrorCode.INVALID_REQUEST, "n must"),
        (body(AUDIO, stream="yes"), ErrorCode.INVALID_REQUEST, "stream"),
        (body(AUDIO, response_format={"type": "xml"}), ErrorCode.INVALID_REQUEST, "response_format"),
        (body(AUDIO, response_format={"type": "json_schema"}), ErrorCode.INVALID_REQUEST, "schema"),
        (body(AUDIO, response_format=schema({"type": 5})), ErrorCode.INVALID_REQUEST, "schema"),
    ],
    ids=str,
)
def test_what_is_refused_says_why(document: Any, code: ErrorCode, names: str) -> None:
    with pytest.raises(ServiceError, match=names) as refused:
        read(document)
    assert refused.value.code is code


def test_headers_and_flags() -> None:
    order = read(body(AUDIO, stream=True, stream_options={"include_usage": True}), **{"x-show-additional-info": "true"})
    assert (order.stream, order.include_usage, order.show_precontext) == (True, True, True)


@pytest.mark.parametrize(
    "words",
    [
        "<task>" + " " * 500_000,
        "https://a.example/" + ")" * 500_000,
        "translate to french " * 30_000 + " " * 200_000,
        "language" + " " * 500_000 + "!",
        "identify " * 100_000,
        "a" * 900_000 + " audi",
    ],
    ids=lambda words: words[:12],
)
def test_no_prompt_keeps_us_busy(words: str) -> None:
    """Each would take minutes where a pattern looks at the same text again and again."""
    read(body(text(words), AUDIO, system=words))
