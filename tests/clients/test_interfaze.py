"""The clients that speak to Interfaze, each with its own requests, against the whole product."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from interfaze import Interfaze
from langchain_openai import ChatOpenAI
from openai import APIStatusError, AuthenticationError, OpenAI
from pydantic import BaseModel

from tests.clients.conftest import NodeClient
from tests.dialects.llm_double import LanguageModel
from tests.engine.speech import spoken
from tests.engine.test_diarize import TALK, dialogue
from tests.live import NAMES, Product, running, write_pcm

pytestmark = pytest.mark.slow
EMPTY_SCHEMAS: tuple[dict[str, Any], ...] = (
    {},
    {"$schema": "https://json-schema.org/draft/2020-12/schema"},
    {"type": "object", "properties": {}, "additionalProperties": True},
)
TASK = {"role": "system", "content": "<task>speech_to_text</task>"}


class Stt(BaseModel):
    text: str
    language: str


@dataclass(frozen=True)
class Place:
    product: Product
    model: LanguageModel
    key: str
    files: str
    """The address of a server that has the recordings."""

    @property
    def url(self) -> str:
        return f"{self.files}/a.wav"

    @property
    def client(self) -> OpenAI:
        return OpenAI(api_key=self.key, base_url=f"{self.product.address}/v1", max_retries=0)

    def ask(self, *content: Any, messages: tuple[Any, ...] = (), **more: Any) -> Any:
        said: Any = [*messages, {"role": "user", "content": list(content)}]
        return self.client.chat.completions.create(model="interfaze-beta", messages=said, **more)

    def credits(self) -> float:
        with self.product.client(self.key) as client:
            left: float = client.get("/api/v1/account/").json()["credits_remaining"]
        return left


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("interfaze")
    with LanguageModel().serving() as model:
        settings = {"STT_OUTBOUND_ALLOW": "127.0.0.1/32", "STT_LLM_URL": model.address, "STT_LLM_MODEL": "double"}
        with running(directory, **settings) as product:
            handler = partial(Files, directory=str(product.speech.parent))
            with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
                threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
                key = product.key("interfaze@example.com", minutes=1000)
                yield Place(product, model, key, f"http://127.0.0.1:{server.server_port}")
                server.shutdown()


def words(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalpha() or letter == " ")


SAID = words(spoken(NAMES))


def text(prompt: str) -> dict[str, str]:
    return {"type": "text", "text": prompt}


def recording(data: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def schema(**properties: Any) -> dict[str, Any]:
    shape = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": "stt_schema", "schema": shape}}


def content(answer: Any) -> Any:
    return json.loads(answer.choices[0].message.content)


STRING = {"type": "string"}


def test_87_and_91_a_schema_with_the_recording_behind_a_url(place: Place) -> None:
    file = {"type": "file", "file": {"filename": "a.wav", "file_data": place.url}}
    for parts in ((text("Transcribe the audio file"), file), (text(f"Transcribe the audio file {place.url}."),)):
        answer = place.ask(*parts, response_format=schema(text=STRING))
        assert words(content(answer)["text"]) == SAID
        assert answer.id.startswith("interfaze-")
        [raw] = answer.precontext
        assert (raw["name"], raw["result"]["text"]) == ("stt", content(answer)["text"])
        assert " ".join(chunk["text"] for chunk in raw["result"]["chunks"]) == content(answer)["text"]


def test_88_89_and_92_the_task_and_its_empty_schemas(place: Place) -> None:
    sound = recording(base64.b64encode(place.product.speech.read_bytes()).decode())
    for empty in EMPTY_SCHEMAS:
        wanted = {"type": "json_schema", "json_schema": {"name": "empty_schema", "schema": empty}}
        answer = place.ask(text("Transcribe"), sound, messages=(TASK,), response_format=wanted)
        found = content(answer)
        assert found["name"] == "speech_to_text"
        assert words(found["result"]["text"]) == SAID
        assert not hasattr(answer, "precontext")
    with_schema = place.ask(text("Transcribe"), sound, messages=(TASK,), response_format=schema(text=STRING))
    assert list(content(with_schema)) == ["text"]
    assert hasattr(with_schema, "precontext")
    by_word = content(place.ask(text("Transcribe the following audio by word"), sound, messages=(TASK,)))
    assert [words(chunk["text"]) for chunk in by_word["result"]["chunks"]] == SAID.split()


def test_90_interfaze_s_own_package(place: Place) -> None:
    own = Interfaze(api_key=place.key, base_url=f"{place.product.address}/v1", show_additional_info=True)
    found = own.tasks.transcribe(place.url)
    assert words(found["text"]) == SAID
    assert all(0 <= start < end for start, end in (chunk["timestamp"] for chunk in found["chunks"]))
    stream = own.chat.completions.stream(messages=[{"role": "user", "content": f"Transcribe {place.url}"}])
    assert words("".join(stream.text_deltas())) == SAID
    final = stream.get_final_completion()
    assert words(final.choices[0].message.content or "") == SAID
    assert final.precontext is not None
    assert words(final.precontext[0].result["text"]) == SAID


def test_93_speakers(place: Place) -> None:
    pcm, _ = dialogue(*TALK)
    two = write_pcm(place.product.speech.with_name("two.wav"), np.concatenate([pcm, pcm]))
    chunk = {"type": "object", "properties": {"speaker_id": STRING, "text": STRING, "start_time": {"type": "number"}}}
    wanted = schema(number_of_speakers={"type": "integer"}, chunks={"type": "array", "items": chunk})
    answer = place.ask(text(f"Transcribe and identify the 2 speakers {place.files}/{two.name}"), response_format=wanted)
    found = content(answer)
    voices = {part["speaker_id"] for part in found["chunks"]}
    assert found["number_of_speakers"] == len(voices) == 2
    assert voices == {"SPEAKER_00", "SPEAKER_01"}
    assert {part["speaker"] for part in answer.precontext[0]["result"]["chunks"]} == voices


def test_94_and_95_a_language_model_translates_and_sums_up(place: Place) -> None:
    fields = dict.fromkeys(("translated_text", "original_language_code", "translated_language_code"), STRING)
    prompt = f"Transcribe the audio file and translate it to chinese {place.url}"
    answer = place.ask(text(prompt), response_format=schema(**fields))
    assert content(answer) == {
        "translated_text": "as the model says",
        "original_language_code": "en",
        "translated_language_code": "zh",
    }
    assert [raw["name"] for raw in answer.precontext] == ["stt", "translate"]
    summed = place.ask(text(f"Summarize {place.url}"), response_format=schema(text=STRING, summary=STRING))
    assert words(content(summed)["text"]) == SAID
    assert content(summed)["summary"] == "as the model says"
    assert SAID.split()[0] in words(place.model.asked[-1]["messages"][1]["content"])


def test_96_streams(place: Place) -> None:
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = list(place.ask(text(f"Transcribe {place.url}"), **options))
    said = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert words("".join(said)) == SAID
    assert "<precontext>" not in "".join(said)
    assert chunks[-1].usage.total_tokens == chunks[-1].usage.prompt_tokens + chunks[-1].usage.completion_tokens
    shown = list(
        place.ask(text(f"Transcribe {place.url}"), stream=True, extra_headers={"x-show-additional-info": "true"})
    )
    assert shown[0].choices[0].delta.content.startswith("<precontext> [")
    assert all(chunk.usage is None for chunk in shown)
    body = {"model": "interfaze-beta", "stream": True, "messages": [{"role": "user", "content": place.url}]}
    with place.product.client(place.key) as client:
        raw = client.post("/v1/chat/completions", json=body).text
    assert raw.endswith("data: [DONE]\n\n")


def test_97_to_99_refusals_cost_nothing(place: Place) -> None:
    before = place.credits()
    tasks = {"role": "system", "content": "<task>ocr</task><task>speech_to_text</task>"}
    large = recording("data:audio/wav;base64," + "A" * 20_000_000)
    for wrong, status, code in (
        ({"content": (text(place.url),), "messages": (tasks,)}, 400, "unsupported_task"),
        ({"content": (text("Transcribe"),)}, 400, "missing_audio"),
        ({"content": (large,)}, 413, "payload_too_large"),
        ({"content": (text(f"Transcribe {place.files}/nothing.mp3"),)}, 400, "url_not_found"),
        ({"content": (text(f"Transcribe {place.files}/output.txt"),)}, 400, "unsupported_media"),
        ({"content": (text("Transcribe http://169.254.169.254/latest"),)}, 400, "url_not_allowed"),
    ):
        with pytest.raises(APIStatusError) as refused:
            place.ask(*wrong["content"], messages=wrong.get("messages", ()))
        assert (refused.value.status_code, refused.value.code) == (status, code)
    stranger = OpenAI(api_key="stt_live_nobody", base_url=f"{place.product.address}/v1", max_retries=0)
    with pytest.raises(AuthenticationError) as unknown:
        stranger.chat.completions.create(model="interfaze-beta", messages=[{"role": "user", "content": place.url}])
    assert unknown.value.code == "invalid_api_key"
    assert unknown.value.body["request_id"] == unknown.value.request_id  # type: ignore[index]
    assert place.credits() == before
    assert not list((place.product.data_dir / "incoming").iterdir())


def test_100_langchain_for_python(place: Place) -> None:
    model = ChatOpenAI(model="interfaze-beta", api_key=place.key, base_url=f"{place.product.address}/v1")  # type: ignore[arg-type]
    found = model.with_structured_output(Stt).invoke(f"Transcribe the audio file {place.url}")
    assert isinstance(found, Stt)
    assert (words(found.text), found.language) == (SAID, "en")


def test_87_88_96_and_99_openai_for_node(place: Place, node_client: NodeClient) -> None:
    said = node_client("interfaze_openai.mjs", key=place.key, base=place.product.address, url=place.url)
    assert said["id"].startswith("interfaze-")
    assert words(said["parsed"]["text"]) == words(said["streamed"]) == SAID
    assert words(" ".join(chunk["text"] for chunk in said["parsed"]["chunks"])) == SAID
    assert said["precontext"][0]["name"] == "stt"
    assert words(json.loads(said["task"])["result"]["text"]) == SAID
    assert said["usage"]["total_tokens"] > 0
    assert (said["unknown"]["status"], said["unknown"]["code"]) == (404, "model_not_found")


def test_88_and_90_the_vercel_ai_sdk(place: Place, node_client: NodeClient) -> None:
    said = node_client("interfaze_ai.mjs", key=place.key, base=place.product.address, file=place.product.speech)
    assert words(said["typed"]["text"]) == words(said["streamed"]) == SAID
    assert said["usage"]["totalTokens"] == said["usage"]["inputTokens"] + said["usage"]["outputTokens"]
    assert said["precontext"][0]["name"] == "stt"
    assert words(said["task"]["result"]["text"]) == SAID


def test_100_langchain_for_javascript(place: Place, node_client: NodeClient) -> None:
    said = node_client("interfaze_langchain.mjs", key=place.key, base=place.product.address, url=place.url)
    assert (words(said["text"]), said["language"]) == (SAID, "en")


def test_a_client_that_leaves_a_stream_pays_nothing(place: Place, tmp_path: Path) -> None:
    long = np.concatenate([dialogue(*TALK)[0]] * 12)
    write_pcm(place.product.speech.with_name("long.wav"), long)
    before = place.credits()
    stream = place.ask(text(f"Transcribe {place.files}/long.wav"), stream=True)
    assert next(iter(stream)).choices[0].delta.content
    stream.close()
    with place.product.client(place.key) as client:
        while (item := client.get("/api/v1/transcripts/").json()["results"][0])["status"] == "processing":
            threading.Event().wait(0.1)
    assert item["status"] == "cancelled"
    assert place.credits() == before
