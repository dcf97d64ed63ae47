"""OpenAI's Python client against the whole product. It is told to refuse what its types do not allow.

The numbers are those of the list of checks that the dialects are built to.
"""

import base64
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.api.test_contract import plain_words
from tests.engine.speech import spoken
from tests.live import NAMES, Product, write_wav

pytestmark = pytest.mark.slow


def client_of(product: Product, key: str, **options: Any) -> OpenAI:
    return OpenAI(
        api_key=key, base_url=f"{product.address}/v1", _strict_response_validation=True, timeout=120, **options
    )


@pytest.fixture(scope="module")
def client(live_product: Product) -> Iterator[OpenAI]:
    with client_of(live_product, live_product.key("openai-python@example.com", minutes=1000)) as client:
        yield client


@pytest.fixture(scope="module")
def create(client: OpenAI, live_product: Product) -> Any:
    def create(**fields: Any) -> Any:
        return client.audio.transcriptions.create(**{"file": live_product.speech, "model": "whisper-1", **fields})

    return create


def check_words(text: str, times: int = 1) -> None:
    assert plain_words(text) == plain_words(spoken(NAMES)) * times


def test_51_json(create: Any, live_product: Product) -> None:
    answer = create()
    check_words(answer.text)
    assert (answer.usage.type, answer.usage.seconds) == ("duration", math.ceil(live_product.seconds))


def test_52_verbose_json(create: Any, live_product: Product) -> None:
    answer = create(response_format="verbose_json")
    assert answer.language == "english"
    assert answer.duration == pytest.approx(live_product.seconds, abs=0.1)
    keys = {"id", "seek", "start", "end", "text", "tokens", "temperature", "avg_logprob", "compression_ratio"}
    assert all(set(segment.model_dump()) == keys | {"no_speech_prob"} for segment in answer.segments)
    assert all(segment.tokens and segment.text.startswith(" ") for segment in answer.segments)
    assert answer.words is None


def test_53_and_54_granularities(create: Any) -> None:
    words = create(response_format="verbose_json", timestamp_granularities=["word"])
    check_words(" ".join(word.word for word in words.words))
    assert "segments" not in words.model_fields_set
    both = create(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert both.words == words.words
    assert both.segments


def refused(kind: type[openai.APIStatusError], call: Any) -> openai.APIStatusError:
    with pytest.raises(kind) as caught:
        call()
    return caught.value


def test_55_57_58_59_and_64_what_will_not_do(create: Any) -> None:
    for fields, param in (
        ({"timestamp_granularities": ["word"]}, "timestamp_granularities"),
        ({"temperature": 1.5}, "temperature"),
        ({"response_format": "txt"}, "response_format"),
        ({"model": ""}, "model"),
        ({"include": ["logprobs"], "response_format": "verbose_json"}, "include"),
    ):
        assert refused(openai.BadRequestError, lambda fields=fields: create(**fields)).param == param
    assert refused(openai.NotFoundError, lambda: create(model="foo")).code == "model_not_found"


def test_56_plain_formats(create: Any) -> None:
    texts = {form: create(response_format=form) for form in ("text", "srt", "vtt")}
    assert all(isinstance(text, str) for text in texts.values())
    check_words(texts["text"])
    assert texts["text"].endswith("\n")
    assert not texts["text"].endswith("\n\n")
    assert texts["srt"].startswith("1\n00:00:")
    assert texts["vtt"].startswith("WEBVTT\n")


def test_60_61_and_62_refusals(create: Any, live_product: Product, tmp_path: Path) -> None:
    big = tmp_path / "big.wav"
    with big.open("wb") as file:
        file.truncate(26_214_401)
    too_large = refused(openai.APIStatusError, lambda: create(file=big))
    assert too_large.status_code == 413
    assert str(too_large.body["message"]).startswith("Maximum content size limit (26214400)")  # type: ignore[index]
    text = tmp_path / "t.txt"
    text.write_text("This is no recording.\n" * 50)
    unreadable = refused(openai.BadRequestError, lambda: create(file=text))
    assert unreadable.body["message"].startswith("Invalid file format.")  # type: ignore[index]
    with client_of(live_product, "stt_live_nobody") as stranger:
        ask = lambda: stranger.audio.transcriptions.create(file=live_product.speech, model="whisper-1")  # noqa: E731
        assert refused(openai.AuthenticationError, ask).code == "invalid_api_key"


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe"])
def test_63_a_stream(create: Any, model: str) -> None:
    with create(model=model, stream=True) as stream:
        events = list(stream)
    assert [event.type for event in events[:-1]] == ["transcript.text.delta"] * (len(events) - 1)
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert "".join(event.delta for event in events[:-1]) == done.text
    check_words(done.text)
    assert done.usage.total_tokens > 0


def test_a_stream_sends_text_while_the_engine_works(client: OpenAI, live_product: Product) -> None:
    key = live_product.key("openai-stream@example.com", minutes=100)
    long = write_wav(live_product.data_dir / "streamed.wav", NAMES * 60)
    with client_of(live_product, key) as client, live_product.client(key) as account:
        stream = client.audio.transcriptions.create(file=long, model="whisper-1", stream=True)
        first = next(iter(stream))
        assert account.get("/api/v1/transcripts/").json()["results"][0]["status"] == "processing"
        events = [first, *stream]
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert len(deltas) > 2
    assert "".join(deltas) == events[-1].text


def test_64_logprobs(create: Any) -> None:
    for fields in ({}, {"stream": True}):
        answer = create(include=["logprobs"], **fields)
        entries = list(answer)[-1].logprobs if fields else answer.logprobs
        assert all(bytes(int(byte) for byte in entry.bytes).decode() == entry.token for entry in entries)
        assert all(entry.logprob <= 0 for entry in entries)
        check_words("".join(entry.token for entry in entries))


VAD = {"type": "server_vad", "threshold": 0.5}


def test_65_and_66_speakers(create: Any, live_product: Product) -> None:
    asked = {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"}
    answer = create(chunking_strategy=VAD, **asked)
    assert {segment.type for segment in answer.segments} == {"transcript.text.segment"}
    assert answer.segments[0].speaker == "A"
    check_words(" ".join(segment.text for segment in answer.segments))
    in_one_field = create(extra_body={"chunking_strategy": '{"type": "server_vad", "threshold": 0.5}'}, **asked)
    assert in_one_field.segments == answer.segments
    with create(stream=True, chunking_strategy="auto", **asked) as stream:
        events = list(stream)
    told = [event.model_dump() for event in events if event.type == "transcript.text.segment"]
    assert told == [segment.model_dump() for segment in answer.segments]
    assert events[-1].type == "transcript.text.done"


def test_67_known_speakers(create: Any, live_product: Product) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"}
    clip = "data:audio/wav;base64," + base64.b64encode(live_product.speech.read_bytes()).decode()
    one_short = {"known_speaker_names": ["Ann", "Ben"], "known_speaker_references": [clip]}
    assert refused(openai.BadRequestError, lambda: create(extra_body=one_short, **asked)).status_code == 400
    both = {"known_speaker_names": ["Ann"], "known_speaker_references": [clip]}
    answer = create(extra_body=both, **asked)
    assert {segment.speaker for segment in answer.segments} == {"Ann"}
    silent = "data:audio/wav;base64," + base64.b64encode(b"RIFF not a recording").decode()
    unusable = {"known_speaker_names": ["Ann"], "known_speaker_references": [silent]}
    error = refused(openai.BadRequestError, lambda: create(extra_body=unusable, **asked))
    assert error.param == "known_speaker_references"


def test_69_translations(client: OpenAI, live_product: Product) -> None:
    answer = client.audio.translations.create(file=live_product.speech, model="whisper-1")
    assert answer.text
    verbose = client.audio.translations.create(
        file=live_product.speech, model="whisper-1", response_format="verbose_json"
    )
    assert verbose.language == "english"


def test_70_no_credits_is_asked_once(live_product: Product) -> None:
    key = live_product.key("openai-poor@example.com")
    live_product.drain("openai-poor@example.com")
    with client_of(live_product, key, max_retries=2) as client:
        ask = lambda: client.audio.transcriptions.create(file=live_product.speech, model="whisper-1")  # noqa: E731
        error = refused(openai.RateLimitError, ask)
    assert error.code == "insufficient_quota"
    assert error.response.request.headers["x-stainless-retry-count"] == "0"


def test_a_client_that_leaves_a_stream_pays_nothing(live_product: Product) -> None:
    key = live_product.key("openai-leaver@example.com", minutes=100)
    long = write_wav(live_product.data_dir / "left.wav", NAMES * 60)
    with client_of(live_product, key) as client, live_product.client(key) as account:
        before = account.get("/api/v1/account/").json()["credits_remaining"]
        with client.audio.transcriptions.create(file=long, model="whisper-1", stream=True) as stream:
            assert next(iter(stream)).type == "transcript.text.delta"
        deadline = time.monotonic() + 30
        while account.get("/api/v1/transcripts/").json()["results"][0]["status"] != "cancelled":
            assert time.monotonic() < deadline
            threading.Event().wait(0.1)
        assert account.get("/api/v1/account/").json()["credits_remaining"] == before
        while (line := last_line(live_product, "openai-leaver@example.com")) != "499 None":
            assert time.monotonic() < deadline, line


def last_line(product: Product, email: str) -> str:
    """Of that account's stream in the log of requests: status and charge."""
    code = (
        "from accounts.models import RequestLog as L; "
        f"line = L.objects.filter(user__email={email!r}, method='POST').last(); "
        "print(line and f'{line.status} {line.charged_mc}')"
    )
    return product.manage("shell", "--no-imports", "-c", code).strip()


def test_models_are_listed_and_looked_up(client: OpenAI) -> None:
    assert {"large-v3-turbo", "small"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve("whisper-1").id == "whisper-1"
    assert refused(openai.NotFoundError, lambda: client.models.retrieve("foo")).code == "model_not_found"
    assert refused(openai.NotFoundError, lambda: client.responses.create(model="gpt-4o", input="x")).status_code == 404
