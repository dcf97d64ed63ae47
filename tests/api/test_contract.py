"""The acceptance checks of the main dialect against the whole product: web, worker and engine under one supervisor.

The speech is synthetic and the recogniser is the small test model; the path is the real one.
"""

import csv
import io
import json
import re
import subprocess
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openai import OpenAI

from tests.engine.speech import spoken
from tests.live import NAMES, Product, write_wav

pytestmark = pytest.mark.slow


def plain_words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def transcribe(client: httpx.Client, file: Path | tuple[str, bytes], **fields: str) -> httpx.Response:
    name, body = (file.name, file.read_bytes()) if isinstance(file, Path) else file
    return client.post("/v1/transcribe", files={"file": (name, body)}, data=fields)


@pytest.fixture(scope="module")
def product(live_product: Product) -> Product:
    return live_product


@pytest.fixture(scope="module")
def paid(product: Product) -> Iterator[httpx.Client]:
    with product.client(product.key("paid@example.com", minutes=100)) as client:
        yield client


def credits_of(client: httpx.Client) -> float:
    left: float = client.get("/api/v1/account/").json()["credits_remaining"]
    return left


def test_1_to_4_a_recording_becomes_text_with_words(product: Product, paid: httpx.Client) -> None:
    answer = transcribe(paid, product.speech)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert plain_words(body["text"]) == plain_words(spoken(NAMES))
    assert body["language"] == "en"
    assert body["duration"] == pytest.approx(product.seconds, abs=0.1)
    assert body["coverage"] > 0.9
    assert answer.headers["X-Model"] == body["model"]
    assert sum(len(segment["words"]) for segment in body["segments"]) == len(plain_words(spoken(NAMES)))
    last = 0.0
    for segment in body["segments"]:
        for word in segment["words"]:
            assert 0 <= word["start"] < word["end"] <= body["duration"]
            assert segment["start"] - 0.05 <= word["start"]
            assert word["end"] <= segment["end"] + 0.05
            assert word["start"] >= last
            last = word["start"]
    without = transcribe(paid, product.speech, diarize="false").json()
    assert without["speakers"] == []
    assert not any("speaker" in segment for segment in without["segments"])


def test_6_10_11_12_bad_values(product: Product, paid: httpx.Client) -> None:
    before = credits_of(paid)
    for fields in (
        {"speakers": "-1"},
        {"speakers": "abc"},
        {"response_format": "docx"},
        {"model": "gigantic"},
        {"language": "xx"},
    ):
        answer = transcribe(paid, product.speech, **fields)
        assert answer.status_code == 400, fields
        assert list(answer.json()) == ["error"]
    assert transcribe(paid, product.speech, language="auto").status_code == 200
    assert before - credits_of(paid) == 1


def test_3_to_6_who_spoke(product: Product, paid: httpx.Client) -> None:
    alone = transcribe(paid, product.speech, speakers="1").json()
    assert alone["speakers"] == ["Speaker 1"]
    assert {segment["speaker"] for segment in alone["segments"]} == {"Speaker 1"}
    nobody = transcribe(paid, product.speech, diarize="false").json()
    assert nobody["speakers"] == []
    assert all("speaker" not in segment for segment in nobody["segments"])
    for wrong in ("-1", "abc"):
        refused = transcribe(paid, product.speech, speakers=wrong)
        assert (refused.status_code, list(refused.json())) == (400, ["error"])


def test_7_to_9_the_other_formats(product: Product, paid: httpx.Client) -> None:
    srt = transcribe(paid, product.speech, response_format="srt")
    assert srt.headers["Content-Type"] == "application/x-subrip"
    assert re.match(r"1\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\n", srt.text)
    assert transcribe(paid, product.speech, response_format="vtt").text.splitlines()[0] == "WEBVTT"
    texts = {transcribe(paid, product.speech, response_format=name).content for name in ("txt", "text")}
    assert len(texts) == 1
    lines = texts.pop().decode().splitlines()
    assert all(re.match(r"Speaker \d: ", line) for line in lines)
    assert plain_words(" ".join(line.partition(": ")[2] for line in lines)) == plain_words(spoken(NAMES))


def test_30_to_32_sound_is_enhanced_and_a_voice_that_is_not_there_says_so(
    product: Product, paid: httpx.Client, tmp_path: Path
) -> None:
    before = credits_of(paid)
    with product.speech.open("rb") as file:
        enhanced = paid.post("/v1/enhance-audio", files={"file": ("talk.wav", file)})
    assert (enhanced.status_code, enhanced.headers["Content-Type"]) == (200, "audio/wav")
    with wave.open(io.BytesIO(enhanced.content)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
        assert sound.getnframes() / sound.getframerate() == pytest.approx(product.seconds, abs=0.1)
    spoken_text = {"text": "Good morning.", "consent": "true"}
    refused = paid.post("/v1/tts", files={"reference": ("voice.wav", b"RIFF")}, data=spoken_text)
    assert refused.status_code == 503
    assert "switched off" in refused.json()["error"]
    mute = paid.post("/v1/enhance-audio", files={"file": ("talk.txt", b"no sound")})
    assert (mute.status_code, list(mute.json())) == (400, ["error"])
    assert credits_of(paid) == before


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def test_13_what_cannot_be_heard_is_refused_and_free(product: Product, paid: httpx.Client, tmp_path: Path) -> None:
    mute = tmp_path / "mute.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=1:size=64x64:rate=5", str(mute))
    before = credits_of(paid)
    assert paid.post("/v1/transcribe", data={"model": "small"}).status_code in (400, 415)
    assert paid.post("/v1/transcribe", files={"other": b"x"}).status_code == 400
    for file in (("t.txt", b"This is no recording.\n" * 50), mute, ("a.wav", b"")):
        answer = transcribe(paid, file)
        assert answer.status_code == 400
        assert "Nothing was charged" in answer.json()["error"]
    assert credits_of(paid) == before


def test_14_the_sound_of_a_video(product: Product, paid: httpx.Client, tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=5")
    ffmpeg(*picture, "-i", str(product.speech), "-shortest", "-c:a", "aac", str(video))
    body = transcribe(paid, video).json()
    heard = plain_words(body["text"])
    expected = plain_words(spoken(NAMES))
    # AAC changes the sound a little, and the model is small.
    assert len(set(expected) - set(heard)) <= 1


def test_15_three_a_day_without_an_account(product: Product) -> None:
    with product.client() as nobody:
        answers = [transcribe(nobody, product.speech) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert "transcript_id" not in answers[0].json()
    assert int(answers[3].headers["Retry-After"]) > 0


def test_17_a_bad_key_is_refused(product: Product) -> None:
    with product.client("stt_live_nobody") as stranger:
        answer = transcribe(stranger, product.speech)
    assert answer.status_code == 401
    assert list(answer.json()) == ["error"]


def test_23_the_catalogue_needs_no_key(product: Product) -> None:
    with product.client() as nobody:
        models = {model["id"] for model in nobody.get("/v1/models").json()["models"]}
        assert {"large-v3-turbo", "large-v3", "medium", "small"} <= models
        assert {"code": "en", "name": "english"} in nobody.get("/v1/languages").json()["languages"]
        health = nobody.get("/health").json()
    assert health["status"] == "ok"
    assert health["embedded"] is False
    assert health["sandbox"] in ("full", "reduced")


def test_24_openai_s_client_lists_the_models(product: Product) -> None:
    with OpenAI(api_key=product.key("openai@example.com"), base_url=f"{product.address}/v1") as client:
        listed = {model.id for model in client.models.list()}
    assert {"large-v3-turbo", "large-v3", "medium", "small"} <= listed


def test_42_to_47_the_transcripts_of_an_account(product: Product) -> None:
    with (
        product.client(product.key("lists@example.com")) as mine,
        product.client(product.key("other@example.com")) as other,
    ):
        for _ in range(3):
            assert transcribe(mine, product.speech).status_code == 200
        page = mine.get("/api/v1/transcripts/", params={"limit": 2, "status": "completed"}).json()
        assert (page["count"], len(page["results"])) == (3, 2)
        assert page["next"]
        address = f"/api/v1/transcripts/{page['results'][0]['id']}/"
        for method, action in (("GET", ""), ("GET", "export/txt/"), ("DELETE", "")):
            assert other.request(method, address + action).status_code == 404
        check_exports(mine, address)
        assert mine.get(address + "export/xyz/").status_code == 400
        assert mine.delete(address).status_code == 204
        assert mine.get(address).status_code == 404


def test_43_46_questions_to_a_transcript(product: Product) -> None:
    with (
        product.client(product.key("asker@example.com")) as mine,
        product.client(product.key("stranger@example.com")) as other,
    ):
        made = transcribe(mine, product.speech).json()
        address = f"/api/v1/transcripts/{made['transcript_id']}/chat/"
        first = made["segments"][0]["text"]
        deadline = time.monotonic() + 60
        while (said := mine.post(address, json={"question": first})).status_code == 409:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert said.status_code == 200, said.text
        body = said.json()
        assert first in body["answer"]
        assert 0 < len(body["sources"]) <= 5
        scores = [source["score"] for source in body["sources"]]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        again = mine.post(address, json={"message": first, "session_id": body["session_id"]})
        assert again.json()["session_id"] == body["session_id"]
        assert other.post(address, json={"question": first}).status_code == 404
        found = mine.get("/api/v1/search/", params={"q": first, "by": "words"}).json()["results"]
        assert [hit["transcript_id"] for hit in found] == [made["transcript_id"]]
        assert other.get("/api/v1/search/", params={"q": first}).json()["results"] == []


def check_exports(client: httpx.Client, address: str) -> None:
    files: dict[str, Any] = {name: client.get(f"{address}export/{name}/") for name in FORMATS}
    assert {name: file.status_code for name, file in files.items()} == dict.fromkeys(FORMATS, 200)
    assert json.loads(files["json"].content)
    assert files["docx"].content.startswith(b"PK")
    assert files["pdf"].content.startswith(b"%PDF-")
    lines = list(csv.reader(io.StringIO(files["csv"].content.decode("utf-8-sig"))))
    assert ["order", "start", "end", "speaker", "text"] in lines[:2]
    assert files["srt"].content.decode("utf-8-sig").startswith("1")


FORMATS = ("txt", "srt", "vtt", "json", "csv", "docx", "pdf")


def test_a_resumable_upload_becomes_a_transcript(product: Product, paid: httpx.Client) -> None:
    body = product.speech.read_bytes()
    tus = {"Tus-Resumable": "1.0.0"}
    made = paid.post(
        "/api/uploads/", headers={**tus, "Upload-Length": str(len(body)), "Upload-Metadata": "filename YS53YXY="}
    )
    assert made.status_code == 201
    location = made.headers["Location"]
    half = len(body) // 2
    for start, end in ((0, half), (half, len(body))):
        headers = {**tus, "Upload-Offset": str(start), "Content-Type": "application/offset+octet-stream"}
        assert paid.patch(location, headers=headers, content=body[start:end]).status_code == 204
    created = paid.post("/api/v1/transcripts/", json={"upload": location.rsplit("/", 1)[1], "title": "In two pieces"})
    assert created.status_code == 201, created.text
    address = created.headers["Location"]
    deadline = time.monotonic() + 60
    while (item := paid.get(address).json())["status"] in ("pending", "processing"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert item["status"] == "completed", item
    assert item["source"]["filename"] == "a.wav"
    assert plain_words(item["text"]) == plain_words(spoken(NAMES))
    assert paid.delete(address).status_code == 204


def test_22_a_client_that_leaves_pays_nothing(product: Product) -> None:
    key = product.key("leaver@example.com")
    long = write_wav(product.speech.with_name("long.wav"), NAMES * 40)
    with product.client(key) as client:
        before = credits_of(client)
        with pytest.raises(httpx.ReadTimeout):
            client.post(
                "/v1/transcribe", files={"file": ("long.wav", long.read_bytes())}, timeout=httpx.Timeout(60, read=1)
            )
        deadline = time.monotonic() + 30
        while not (items := client.get("/api/v1/transcripts/").json()["results"]) or items[0]["status"] != "cancelled":
            assert time.monotonic() < deadline, items
            time.sleep(0.1)
        assert credits_of(client) == before
        assert transcribe(client, product.speech).status_code == 200
