"""JigsawStack's own packages, from PyPI and from npm, and what the vendor's page shows beside them."""

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import httpx
import pytest
from jigsawstack import AsyncJigsawStack, JigsawStack, JigsawStackError

from tests.clients.conftest import NodeClient
from tests.engine.speech import spoken
from tests.live import NAMES, Product, running

pytestmark = pytest.mark.slow
PATH = "/v1/ai/transcribe"
WAIT_SECONDS = 60


@dataclass
class Neighbour:
    """A server of somebody else's: it has the recording, a page, a way to where nobody may go, and a hook."""

    sound: bytes
    asked: list[str] = field(default_factory=list)
    told: "Queue[tuple[str, Any]]" = field(default_factory=Queue)
    refuse: int = 0
    """How many calls of the hook it answers with 500."""
    address: str = ""

    def get(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(handler.path)
        if handler.path == "/inside":
            handler.send_response(302)
            handler.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            handler.end_headers()
            return
        bodies = {"/a.wav": self.sound, "/page.html": b"<!doctype html><title>No sound</title>"}
        body = bodies.get(handler.path)
        handler.send_response(200 if body else 404)
        handler.send_header("Content-Length", str(len(body or b"")))
        handler.end_headers()
        handler.wfile.write(body or b"")

    def post(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        status, self.refuse = (500, self.refuse - 1) if self.refuse else (204, 0)
        handler.send_response(status)
        handler.end_headers()
        self.told.put((handler.path, json.loads(body)))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    settings = {"STT_OUTBOUND_ALLOW": "127.0.0.1/32", "STT_WEBHOOK_PAUSES": "0,1,1"}
    with running(tmp_path_factory.mktemp("jigsawstack"), **settings) as product:
        yield product


@pytest.fixture(scope="module")
def neighbour(product: Product) -> Iterator[Neighbour]:
    neighbour = Neighbour(product.speech.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            neighbour.get(self)

        def do_POST(self) -> None:
            neighbour.post(self)

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        neighbour.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield neighbour
        server.shutdown()


@pytest.fixture(scope="module")
def key(product: Product) -> str:
    return product.key("jigsaw@example.com", minutes=100)


@pytest.fixture
def sdk(product: Product, key: str) -> JigsawStack:
    return JigsawStack(api_key=key, base_url=product.address)


@pytest.fixture
def http(product: Product, key: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=product.address, headers={"x-api-key": key}, timeout=120) as client:
        yield client


def credits_of(client: httpx.Client) -> float:
    left: float = client.get("/api/v1/account/").json()["credits_remaining"]
    return left


def check(answer: Any, *, cap: float = 3.0) -> None:
    """The shape of a direct answer, and the text of the recording."""
    assert answer["success"] is True
    assert re.findall(r"[a-z]+", answer["text"].lower()) == re.findall(r"[a-z]+", spoken(NAMES).lower())
    assert answer["text"].startswith(" ")
    assert " ".join(chunk["text"] for chunk in answer["chunks"]).split() == answer["text"].split()
    for chunk in answer["chunks"]:
        start, end = chunk["timestamp"]
        assert 0 <= start < end <= start + cap + 0.002
    assert set(answer["_usage"]) == {"input_tokens", "output_tokens", "inference_time_tokens", "total_tokens"}
    assert answer["log_id"]


def test_72_77_78_a_url_with_and_without_the_slash(product: Product, key: str, neighbour: Neighbour) -> None:
    for base in (product.address, f"{product.address}/"):
        answer: Any = JigsawStack(api_key=key, base_url=base).audio.speech_to_text(
            {"url": f"{neighbour.address}/a.wav"}
        )
        check(answer)
        assert answer["language_detected"] == "en"
        assert 0 <= answer["confidence"] <= 1


def test_73_to_75_78_80_uploads_of_every_kind(product: Product, key: str, sdk: JigsawStack, http: httpx.Client) -> None:
    sound = product.speech.read_bytes()
    check(sdk.audio.speech_to_text(sound))
    check(sdk.audio.speech_to_text(sound, {"language": "en", "chunk_duration": 1}), cap=1)
    whole: Any = sdk.audio.speech_to_text(sound, {"language": "en", "by_speaker": True})
    check(whole)
    assert [turn["speaker"] for turn in whole["speakers"]][:1] == ["Speaker 1"]
    assert "language_detected" not in whole

    async def later() -> Any:
        return await AsyncJigsawStack(api_key=key, base_url=product.address).audio.speech_to_text(
            sound, {"language": "en", "word_timestamps": True}
        )

    words = asyncio.run(later())
    check(words, cap=15)
    assert [chunk["text"] for chunk in words["chunks"]] == words["text"].split()
    raw = http.post(f"{PATH}?language=en", content=sound, headers={"Content-Type": "audio/wav"})
    check(raw.json())
    fields = http.post(PATH, files={"file": ("a.wav", sound)}, data={"language": "en", "batch_size": "40"})
    assert fields.json()["chunks"] == raw.json()["chunks"]


def test_73_74_85_node(product: Product, key: str, node_client: NodeClient) -> None:
    said = node_client("jigsawstack.mjs", key=key, base=product.address, file=str(product.speech))
    for name in ("bare", "speakers", "stored"):
        check(said[name])
    assert said["bare"]["language_detected"] == "en"
    assert said["speakers"]["speakers"]
    assert said["kept"]["size"] == product.speech.stat().st_size
    assert (said["same"], said["deleted"]) == (True, {"success": True})
    for name in ("gone", "two", "unknown"):
        assert said[name]["success"] is False
        assert said[name]["message"]


def test_76_79_86_refusals_that_the_client_understands(sdk: JigsawStack, product: Product, http: httpx.Client) -> None:
    before = credits_of(http)
    wrong: tuple[dict[str, Any], ...] = (
        {},
        {"url": "https://example.com/a.wav", "file_store_key": "x"},
        {"file_store_key": "x", "chunk_duration": 16},
        {"file_store_key": "x", "chunk_duration": 0},
        {"file_store_key": "x", "batch_size": 41},
    )
    for params in wrong:
        with pytest.raises(JigsawStackError) as refusal:
            sdk.audio.speech_to_text(params)
        assert (refusal.value.code, refusal.value.success) == (400, False)
    with pytest.raises(JigsawStackError) as unknown:
        JigsawStack(api_key="stt_live_nobody", base_url=product.address).audio.speech_to_text(b"RIFF")
    assert unknown.value.code == 401
    answer = httpx.post(f"{product.address}{PATH}", json={}, headers={"x-api-key": "stt_live_nobody"})
    assert answer.status_code == 401
    assert {f"x-jigsaw-rate-limit-{name}" for name in ("limit", "remaining", "reset")} <= set(answer.headers)
    assert credits_of(http) == before


def test_81_a_translation_into_english_is_ordered_and_into_german_is_not_there(
    product: Product, sdk: JigsawStack, http: httpx.Client
) -> None:
    """The test model cannot translate: that English comes back is for a real one to show."""
    assert sdk.audio.speech_to_text(product.speech.read_bytes(), {"translate": True})["success"] is True
    before = credits_of(http)
    with pytest.raises(JigsawStackError, match="German") as refusal:
        sdk.audio.speech_to_text(product.speech.read_bytes(), {"translate": True, "language": "de"})
    assert refusal.value.code == 503
    assert credits_of(http) == before


def test_82_83_a_webhook_is_told_once_it_listens_and_charged_once(
    neighbour: Neighbour, sdk: JigsawStack, http: httpx.Client
) -> None:
    before, neighbour.refuse = credits_of(http), 2
    url = f"{neighbour.address}/hook?token=a%20b&again=1"
    promised: Any = sdk.audio.speech_to_text({"url": f"{neighbour.address}/a.wav", "webhook_url": url})
    assert (promised["success"], promised["status"]) == (True, "processing")
    assert re.fullmatch(r"[0-9a-f]{32}", promised["id"])
    tries = [neighbour.told.get(timeout=WAIT_SECONDS) for _ in range(3)]
    assert tries[0] == tries[1] == tries[2]
    path, told = tries[2]
    assert path == "/hook?token=a%20b&again=1"
    assert (told["id"], told["status"]) == (promised["id"], "success")
    check(told)
    assert before - credits_of(http) == 1
    assert neighbour.told.empty()


def test_84_nothing_inside_is_asked(live_product: Product, http: httpx.Client, neighbour: Neighbour) -> None:
    asked = len(neighbour.asked)
    # A server as it comes: what is private is refused.
    outside = live_product.key("jigsaw@example.com")
    for url in (f"{neighbour.address}/a.wav", "http://169.254.169.254/", "http://[::1]/", "http://0x7f.1/"):
        answer = httpx.post(live_product.address + PATH, json={"url": url}, headers={"x-api-key": outside})
        assert (answer.status_code, answer.json()["error"]) == (400, "url_not_allowed"), url
    assert len(neighbour.asked) == asked
    # One whose operator lets it ask this neighbour, who sends it further inside.
    answer = http.post(PATH, json={"url": f"{neighbour.address}/inside"})
    assert (answer.status_code, answer.json()["error"]) == (400, "url_not_allowed")


def test_a_url_that_has_no_recording(http: httpx.Client, neighbour: Neighbour) -> None:
    before = credits_of(http)
    for path, code in (("/missing.wav", "url_not_found"), ("/page.html", "unsupported_media")):
        answer = http.post(PATH, json={"url": neighbour.address + path})
        assert (answer.status_code, answer.json()["error"]) == (400, code)
        assert "Nothing was charged" in answer.json()["message"]
    assert credits_of(http) == before


def test_85_a_file_is_kept_transcribed_read_and_deleted(product: Product, sdk: JigsawStack, http: httpx.Client) -> None:
    sound = product.speech.read_bytes()
    kept = sdk.store.upload(sound, {"key": "talks/a.wav", "content_type": "audio/wav", "temp_public_url": True})
    assert (kept["key"], kept["size"]) == ("talks/a.wav", len(sound))
    assert httpx.get(kept["temp_public_url"]).content == sound
    check(sdk.audio.speech_to_text({"file_store_key": "talks/a.wav", "language": "en"}))
    assert sdk.store.get("talks/a.wav") == sound
    assert sdk.store.delete("talks/a.wav") == {"success": True}
    with pytest.raises(JigsawStackError) as gone:
        sdk.store.get("talks/a.wav")
    assert gone.value.code == 404
    assert httpx.get(kept["temp_public_url"]).status_code == 404


def test_a_stream_comes_in_pieces(product: Product, http: httpx.Client) -> None:
    form = {"file": ("a.wav", product.speech.read_bytes())}
    with http.stream("POST", PATH, files=form, data={"stream": "true", "language": "en"}) as answer:
        events = [json.loads(line.removeprefix("data: ")) for line in answer.iter_lines() if line.startswith("data: ")]
    done, final = events[-2:]
    assert "".join(event.get("delta", "") for event in events) == done["text"]
    assert [event["chunk"] for event in events if "chunk" in event] == final["chunks"]
    check(final)


def test_the_same_again_costs_nothing(product: Product, sdk: JigsawStack, http: httpx.Client) -> None:
    sound = product.speech.read_bytes() + b"\0" * 100
    first = sdk.audio.speech_to_text(sound)
    before = credits_of(http)
    again = sdk.audio.speech_to_text(sound)
    assert {**again, "log_id": ""} == {**first, "log_id": ""}
    assert credits_of(http) == before
