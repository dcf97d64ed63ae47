"""The text services' acceptance checks against the whole product, with each of the three kinds of models: an operator's
language model in a process of its own, tiny random ones inside the engine, and none."""

import base64
import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from engine import catalog
from tests.dialects.llm_double import process
from tests.engine.text_models import with_embedder, with_text_models
from tests.live import Product, running

pytestmark = pytest.mark.slow
TEXT = "Ann Miller writes to jane.doe@example.org on Friday. The price is far too high. Who will call the printer?"
WRITTEN = {"server": "double", "inside": catalog.WRITER, "none": None}


@dataclass(frozen=True)
class Place:
    tier: str
    product: Product
    client: httpx.Client

    @property
    def writer(self) -> str | None:
        return WRITTEN[self.tier]

    def post(self, service: str, **body: Any) -> httpx.Response:
        return self.client.post(f"/v1/{service}", json=body)


@pytest.fixture(scope="module", params=["server", "inside", "none"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp(request.param)
    (with_text_models if request.param == "inside" else with_embedder)(folder / "models")
    with process() as address:
        settings = {"STT_LLM_URL": address, "STT_LLM_MODEL": "double"} if request.param == "server" else {}
        with (
            running(folder, **settings) as product,
            product.client(product.key("text@example.com", minutes=100)) as client,
        ):
            yield Place(request.param, product, client)


def good(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error"}
    return str(answer.json()["error"])


def test_25_a_summary_by_the_alias_of_its_style(place: Place) -> None:
    answer = place.post("summarize", text=TEXT, style="bullets")
    if place.tier == "inside":
        # Random weights write no JSON, and nothing is made of what they write.
        assert "not what was asked for" in refused(answer, 503)
        return
    body = good(answer)
    assert (body["style"], body["summary"]) == ("bullet_points", body["text"])
    assert body["summary"].startswith("- ")
    if place.writer:
        assert body["model"] == place.writer
    else:
        assert body["model"] == "extractive/all-minilm-l6-v2"
        assert all(line.removeprefix("- ") in TEXT for line in body["summary"].splitlines())


def test_26_no_request_for_a_summary(place: Place) -> None:
    refused(place.post("summarize"), 400)
    refused(place.post("summarize", text=TEXT, style="haiku"), 400)


def test_27_and_32_translations(place: Place) -> None:
    single = place.post("translate", text="Good morning.", target="de")
    both = place.post("translate", texts=["One.", "Two."], target="de")
    if place.tier == "none":
        assert "models fetch" in refused(single, 503)
        assert "models fetch" in refused(both, 503)
    else:
        assert good(single)["target_language"] == "de"
        assert good(single)["model"] == ("double" if place.tier == "server" else catalog.TRANSLATOR)
        assert [list(each) for each in good(both)["translations"]] == [["translated_text"]] * 2
    refused(place.post("translate", text="a", texts=["b"], target="de"), 400)
    refused(place.post("translate", target="de"), 400)


def test_28_an_address_is_taken_out(place: Place) -> None:
    body = good(place.post("analyze", text=TEXT, type="pii_redact"))
    assert "jane.doe@example.org" not in body["result"]["redacted_text"]
    for each in body["result"]["entities"]:
        assert 0 <= each["start"] < each["end"] <= len(TEXT)
    assert good(place.post("analyze", text=TEXT, type="questions"))["result"] == ["Who will call the printer?"]


def test_29_embeddings(place: Place) -> None:
    body = good(place.post("embed", texts=["one", "two"]))
    assert (len(body["embeddings"]), body["dimensions"]) == (2, 384)
    for vector in body["embeddings"]:
        assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-3)


def test_32_a_text_that_takes_a_writer(place: Place) -> None:
    answer = place.post("generate", text=TEXT, type="blog_post")
    if place.writer is None:
        assert "STT_LLM_URL" in refused(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    else:
        assert good(answer)["content"]
        assert good(answer)["model"] == place.writer


def test_95_a_schema_with_a_summary(place: Place) -> None:
    sound = {"data": base64.b64encode(place.product.speech.read_bytes()).decode(), "format": "wav"}
    text = {"type": "string"}
    shape = {"type": "object", "properties": {"text": text, "summary": text}, "required": ["text", "summary"]}
    answer = place.client.post(
        "/v1/chat/completions",
        json={
            "model": "interfaze-beta",
            "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": sound}]}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": shape}},
        },
    )
    if place.tier == "server":
        assert answer.status_code == 200, answer.text
        assert "as the model says" in answer.json()["choices"][0]["message"]["content"]
    else:
        assert answer.status_code == 503, answer.text
        wanted = "summary" if place.tier == "none" else "not what was asked for"
        assert wanted in answer.json()["error"]["message"]


def test_a_transcript_is_summed_up_with_times(place: Place) -> None:
    sent = place.client.post("/v1/transcribe", files={"file": ("a.wav", place.product.speech.read_bytes())})
    address = f"/api/v1/transcripts/{good(sent)['transcript_id']}/"
    if place.tier == "inside":
        refused(place.client.post(f"{address}summarize/", json={}), 503)
        return
    body = good(place.client.post(f"{address}summarize/", json={}))
    assert body["points"][0]["start"] is not None
    assert good(place.client.get(address))["summary"] == body["summary"]
    assert good(place.client.post(f"{address}summarize/", json={}))["cached"]


def test_a_copy_of_the_sound_is_made_by_the_engine(place: Place) -> None:
    """Nothing in the test's speech identifies anybody, so it comes back whole."""
    sent = good(place.client.post("/v1/transcribe", files={"file": ("a.wav", place.product.speech.read_bytes())}))
    answer = place.client.get(f"/api/v1/transcripts/{sent['transcript_id']}/audio/redacted/")
    assert (answer.status_code, answer.headers["X-Redacted-Stretches"]) == (200, "0")
    with wave.open(io.BytesIO(answer.content)) as made:
        assert made.getnframes() / made.getframerate() == pytest.approx(place.product.seconds, abs=0.05)
