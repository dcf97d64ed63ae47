"""The text services' acceptance checks against the whole product, with each of the three kinds of models: an operator's
language model in a process of its own, tiny random ones inside the engine, and none."""

import base64
import io
import json
import re
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
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
ASKER = "text@example.com"
ELSEWHERE = "Which football club won yesterday?"
CITED = re.compile(r"\[(\d\d:\d\d(?:, \d\d:\d\d)*)\]")
LOADS = re.compile(r"!\[|\][(\[:]|<[a-z/!?]|https?:|//|www\.", re.IGNORECASE)
"""What Markdown or HTML would make a picture or a link of."""
SIGN_IN = """
from accounts.models import User
from django.test import Client
browser = Client()
browser.force_login(User.objects.get(email="{email}"))
print(browser.cookies["sessionid"].value)
"""


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
            product.client(product.key(ASKER, minutes=100)) as client,
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


@dataclass(frozen=True)
class Recording:
    """One that the product has transcribed, of which it knows the meaning."""

    slug: str
    address: str
    segments: list[dict[str, Any]]

    @property
    def starts(self) -> list[float]:
        return [segment["start"] for segment in self.segments]


@pytest.fixture(scope="module")
def recording(place: Place) -> Recording:
    sent = good(place.client.post("/v1/transcribe", files={"file": ("a.wav", place.product.speech.read_bytes())}))
    address = f"/api/v1/transcripts/{sent['transcript_id']}/"
    made = Recording(good(place.client.get(address))["slug"], f"{address}chat/", sent["segments"])
    deadline = time.monotonic() + 60
    while (said := place.client.post(made.address, json={"question": ELSEWHERE})).status_code == 409:
        assert time.monotonic() < deadline, said.text
        time.sleep(0.2)
    assert place.client.delete(f"/api/v1/chat/{good(said)['session_id']}/").status_code == 204
    return made


def streamed(place: Place, address: str, **body: Any) -> list[dict[str, Any]]:
    with place.client.stream("POST", address, json={**body, "stream": True}) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")
        *blocks, rest = answer.read().decode().split("\n\n")
    assert rest == ""
    # Besides events only comments, that the line stays open.
    lines = [block for block in blocks if not block.startswith(":")]
    assert all(line.startswith("data: ") and "\n" not in line for line in lines), lines
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def check_answer(place: Place, recording: Recording, said: dict[str, Any]) -> None:
    """What holds whoever wrote it. Of random weights it is noise."""
    assert said["model"] == (place.writer or "")
    assert said["answer"] == said["answer"].strip() != ""
    assert 0 < len(said["sources"]) <= 5
    scores = [source["score"] for source in said["sources"]]
    assert scores == sorted(scores, reverse=True)
    text = " ".join(segment["text"].strip() for segment in recording.segments)
    for source in said["sources"]:
        assert source["start_time"] in recording.starts
        assert " ".join(source["text"].split()) in text
    assert cited(said["answer"]) <= {int(start) for start in recording.starts}
    assert not LOADS.search(said["answer"]), said["answer"]
    if place.tier == "server":
        assert said["answer"].startswith("As the model says. [")
        assert cited(said["answer"])
    if place.tier == "none":
        check_quotes(recording, said["answer"])


def check_quotes(recording: Recording, answer: str) -> None:
    """Each line is a sentence of the recording to the letter, behind its time."""
    spoken = {(int(segment["start"]), segment["text"].strip()) for segment in recording.segments}
    for line in answer.splitlines():
        [start] = cited(line)
        words = line.partition("] ")[2]
        assert any(begun == start and words.endswith(text) for begun, text in spoken), (line, spoken)


def cited(answer: str) -> set[int]:
    clocks = [clock.split(":") for found in CITED.findall(answer) for clock in found.split(", ")]
    return {60 * int(minutes) + int(seconds) for minutes, seconds in clocks}


def test_46_an_answer_comes_as_it_is_written(place: Place, recording: Recording) -> None:
    asked = recording.segments[0]["text"]
    first, *pieces, done = streamed(place, recording.address, question=asked)
    assert (first["type"], done["type"]) == ("sources", "done")
    assert {piece["type"] for piece in pieces} == {"delta"}
    assert len(pieces) > 1 or place.tier != "inside"
    assert "".join(piece["text"] for piece in pieces).strip() == done["answer"]
    assert (first["session_id"], first["sources"]) == (done["session_id"], done["sources"])
    check_answer(place, recording, done)
    if place.tier == "none":
        assert asked.strip() in done["answer"]
    assert place.client.delete(f"/api/v1/chat/{done['session_id']}/").status_code == 204


def test_46_a_conversation_is_gone_through_kept_and_deleted(place: Place, recording: Recording) -> None:
    questions = [recording.segments[0]["text"].strip(), recording.segments[-1]["text"].strip()]
    first = good(place.client.post(recording.address, json={"question": questions[0]}))
    session = f"/api/v1/chat/{first['session_id']}/"
    second = good(
        place.client.post(recording.address, json={"message": questions[1], "session_id": first["session_id"]})
    )
    assert second["session_id"] == first["session_id"]
    for said in (first, second):
        check_answer(place, recording, said)
    kept = good(place.client.get(session))
    assert [turn["question"] for turn in kept["turns"]] == questions
    for turn, said in zip(kept["turns"], (first, second), strict=True):
        assert {name: turn[name] for name in ("answer", "sources", "model")} == {
            name: said[name] for name in ("answer", "sources", "model")
        }
    assert good(place.client.get(recording.address)) == {"count": 1, "results": [kept]}
    assert good(place.client.get("/api/v1/chat/"))["results"] == [kept]
    assert place.client.delete(session).status_code == 204
    assert place.client.get(session).status_code == 404
    assert place.client.delete(session).status_code == 404
    refused(place.client.post(recording.address, json={"question": "And?", "session_id": first["session_id"]}), 404)
    assert good(place.client.get(recording.address))["count"] == 0


def test_46_what_is_not_in_it_is_said_not_to_be(place: Place, recording: Recording) -> None:
    """Who finds no passage asks no model, so even random weights cannot make something up. Whether a model that was
    shown passages says that they are beside the point takes real weights."""
    said = good(place.client.post(recording.address, json={"question": ELSEWHERE}))
    assert (said["answer"], said["sources"], said["model"]) == ("That is not in this recording.", [], "")
    again = {"question": recording.segments[0]["text"], "session_id": said["session_id"]}
    check_answer(place, recording, good(place.client.post(recording.address, json=again)))
    assert place.client.delete(f"/api/v1/chat/{said['session_id']}/").status_code == 204


class Drawn(HTMLParser):
    """What a page is made of, and what it leads to or loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name.endswith(("href", "src", "srcset", "style"))]


def test_46_the_page_draws_an_answer_that_loads_nothing(place: Place, recording: Recording) -> None:
    asked = recording.segments[0]["text"].strip()
    said = good(place.client.post(recording.address, json={"question": asked}))
    session = place.product.manage("shell", "--no-imports", "-c", SIGN_IN.format(email=ASKER)).strip()
    with place.product.client() as browser:
        browser.cookies["sessionid"] = session
        answer = browser.get(f"/transcripts/{recording.slug}/chat/", params={"session": said["session_id"]})
    assert answer.status_code == 200
    drawn = Drawn(answer.text)
    assert asked in answer.text
    assert (place.writer or "The recording’s own words") in answer.text
    assert not drawn.tags & {"img", "script", "iframe", "link", "style", "object", "embed", "video", "audio"}
    times = [address for address in drawn.addresses if not address.startswith("/static/")]
    assert times
    assert all(float(each.removeprefix("#t=")) <= place.product.seconds for each in times)
    assert place.client.delete(f"/api/v1/chat/{said['session_id']}/").status_code == 204
