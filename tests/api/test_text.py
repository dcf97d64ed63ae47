"""The text services over HTTP, with an engine that says what it is told to and a language model over real HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from accounts.services import ledger
from engine.errors import UnsupportedLanguage
from tests.dialects.llm_double import LanguageModel, endless
from tests.transcripts.stand_ins import StandInEngine
from tests.web.rows import spoken, transcript
from transcripts.models import JobState, Transcript
from transcripts.services.editing import text as editing

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = "Ann sends the report on Friday. The price is too high."
SERVICES = ("summarize", "translate", "analyze", "generate", "embed")


@pytest.fixture
def model(settings: Settings) -> Iterator[LanguageModel]:
    with LanguageModel().serving() as model:
        settings.LLM_URL, settings.LLM_MODEL, settings.LLM_SECONDS = model.address, "local", 20
        yield model


@pytest.fixture
def talk(alice: User) -> Transcript:
    said = ("Good morning all.", "Ann sends the report on Friday.", "Fine.")
    return transcript(
        alice, segments=[spoken(text, 5.0 * at, speaker=f"Speaker {at % 2 + 1}") for at, text in enumerate(said)]
    )


def post(client: Client, service: str, **body: Any) -> Any:
    return client.post(f"/v1/{service}", body, "application/json")


def twin(client: Client, talk: Transcript, service: str, **body: Any) -> Any:
    return client.post(f"/api/v1/transcripts/{talk.public_id}/{service}/", body, "application/json")


def good(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return answer.json()


def refused(answer: Any, status: int) -> str:
    assert answer.status_code == status, answer.content
    assert set(answer.json()) == {"error"}
    message: str = answer.json()["error"]
    return message


def test_25_a_style_by_its_other_name(keyed: Client, alice: User) -> None:
    before = ledger.balance(alice)
    body = good(post(keyed, "summarize", text=TEXT, style="bullets"))
    assert (body["style"], body["summary"], body["model"]) == ("bullet_points", body["text"], "extractive/stand-in")
    assert good(post(keyed, "summarize", text=TEXT, style="headline"))["style"] == "brief"
    assert ledger.balance(alice) == before


def test_26_what_is_no_request_for_a_summary(keyed: Client) -> None:
    assert "text" in refused(post(keyed, "summarize"), 400)
    assert "bullet_points" in refused(post(keyed, "summarize", text=TEXT, style="haiku"), 400)
    assert "not blank" in refused(post(keyed, "summarize", text="  "), 400)
    assert refused(post(keyed, "summarize", text=["a"]), 400)
    assert refused(keyed.post("/v1/summarize", {"text": TEXT}), 415)
    assert refused(keyed.post("/v1/summarize", "{", "application/json"), 400)


def test_27_translations(keyed: Client, model: LanguageModel) -> None:
    model.reply = upper
    assert good(post(keyed, "translate", text="One. Two.", target="de")) == {
        "translated_text": "ONE. TWO.",
        "source_language": "en",
        "target_language": "de",
        "model": "local",
    }
    batch = good(post(keyed, "translate", texts=["one", "", "two"], target="fr", source="auto"))
    assert batch["translations"] == [{"translated_text": text} for text in ("ONE", "", "TWO")]
    assert batch["source_language"] == "auto"
    assert "exactly one" in refused(post(keyed, "translate", text="a", texts=["b"], target="de"), 400)
    assert "exactly one" in refused(post(keyed, "translate", target="de"), 400)
    assert "no language 'xx'" in refused(post(keyed, "translate", text="a", target="xx"), 400)
    assert refused(post(keyed, "translate", texts=["a"] * 129, target="de"), 400)


def test_28_pii(keyed: Client) -> None:
    for name in ("pii_redact", "pii"):
        body = good(post(keyed, "analyze", text="Write to a@b.example", type=name))
        assert body["type"] == "pii_redact"
        assert body["result"]["redacted_text"]
    assert good(post(keyed, "analyze", text=TEXT, type="questions"))["result"] == [TEXT]
    assert "sentiment" in refused(post(keyed, "analyze", text=TEXT, type="mood"), 400)


def test_29_embeddings(keyed: Client) -> None:
    body = good(post(keyed, "embed", texts=["one", "two"]))
    assert (len(body["embeddings"]), body["dimensions"]) == (2, 384)
    for vector in body["embeddings"]:
        assert len(vector) == 384
        assert sum(value * value for value in vector) == pytest.approx(1, abs=1e-3)
    for texts in ("one", [], ["a"] * 257, [""], [None]):
        assert refused(post(keyed, "embed", texts=texts), 400)


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("generate", {"text": TEXT, "type": "blog_post"}),
        ("generate", {"text": TEXT, "type": "social_linkedin"}),
        ("generate", {"text": TEXT, "prompt": "Rhyme."}),
        ("generate", {"text": TEXT, "type": "quiz", "prompt": "Hard ones."}),
        ("translate", {"text": TEXT, "target": "de"}),
    ],
)
def test_32_a_service_without_its_model(keyed: Client, service: str, body: dict[str, Any]) -> None:
    answer = post(keyed, service, **body)
    assert "models fetch" in refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


def test_r3_too_much_is_refused_before_anybody_reads_it(keyed: Client, model: LanguageModel) -> None:
    much = "a" * 200_001
    assert "200,000" in refused(post(keyed, "summarize", text=much), 413)
    assert refused(post(keyed, "analyze", text=much, type="pii"), 413)
    assert refused(post(keyed, "translate", text=much, target="de"), 413)
    assert refused(post(keyed, "translate", texts=["a" * 100_001] * 2, target="de"), 413)
    assert refused(post(keyed, "embed", texts=["a" * 100_001] * 2), 413)
    assert "4,000" in refused(post(keyed, "generate", text=TEXT, prompt="a" * 4_001), 413)
    assert model.asked == []


def test_l3_an_endless_answer_ends(keyed: Client, model: LanguageModel) -> None:
    model.reply = endless
    body = good(post(keyed, "generate", text=TEXT, type="blog_post"))
    assert body["content"].endswith("[…]")
    assert model.left.wait(10)
    assert "not what was asked for" in refused(post(keyed, "summarize", text=TEXT), 503)


def test_texts_are_made(keyed: Client, model: LanguageModel) -> None:
    model.reply = lambda body: "Said."
    assert good(post(keyed, "generate", text=TEXT, type="newsletter")) == {
        "type": "newsletter",
        "content": "Said.",
        "model": "local",
    }
    assert good(post(keyed, "generate", text=TEXT, prompt="Rhyme."))["type"] == "custom"
    assert good(post(keyed, "generate", text=TEXT, type="social_twitter"))["type"] == "social_media"
    model.reply = lambda body: {"items": [{"line": 1}]}
    quotes = good(post(keyed, "generate", text=TEXT, type="key_quotes"))
    assert quotes["items"] == [{"text": TEXT, "line": 0, "start": None, "speaker": None}]
    assert "chapter_markers" in refused(post(keyed, "generate", text=TEXT, type="poem"), 400)
    assert "prompt" in refused(post(keyed, "generate", text=TEXT), 400)


def test_a_key_is_needed_and_counted(keyed: Client, anonymous: Client, settings: Settings) -> None:
    for service in SERVICES:
        assert refused(post(anonymous, service, text=TEXT), 401)
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "text": 2}
    statuses = [post(keyed, "summarize", text=TEXT).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_a_summary_of_a_transcript_is_kept_and_shown(keyed: Client, talk: Transcript, alice: User) -> None:
    address = f"/api/v1/transcripts/{talk.public_id}/"
    assert good(keyed.get(address))["summary"] is None
    assert refused(keyed.get(f"{address}summarize/"), 404)
    first = good(twin(keyed, talk, "summarize"))
    assert first == {
        "summary": "Good morning all.",
        "style": "brief",
        "points": [{"text": "Good morning all.", "line": 0, "start": 0.0, "speaker": "Speaker 1"}],
        "model": "extractive/stand-in",
        "cached": False,
        "stale": False,
    }
    assert good(twin(keyed, talk, "summarize")) == first | {"cached": True} == good(keyed.get(f"{address}summarize/"))
    assert good(keyed.get(address))["summary"] == "Good morning all."
    editing.edit(talk, alice, 0, 0, "Good evening all.", "")
    assert good(twin(keyed, talk, "summarize")) == first | {"cached": True, "stale": True}
    assert good(twin(keyed, talk, "summarize", force=True))["summary"] == "Good evening all."
    [kept] = good(keyed.get(f"{address}insights/"))["results"]
    assert (kept["kind"], kept["variant"], kept["stale"]) == ("summary", "brief", False)


def test_a_transcript_is_analysed_by_one_type_or_all(keyed: Client, talk: Transcript) -> None:
    one = good(twin(keyed, talk, "analyze", type="action_items"))
    assert (one["type"], one["result"]) == ("action_items", ["Good morning all."])
    assert one["details"]["action_items"]["items"][0]["start"] == 0.0
    assert set(good(twin(keyed, talk, "analyze", kinds=["pii", "topics"]))["results"]) == {"pii_redact", "topics"}
    everything = good(twin(keyed, talk, "analyze"))
    assert len(everything["results"]) == 6
    assert everything["details"]["topics"]["cached"]
    assert refused(twin(keyed, talk, "analyze", type="mood"), 400)


def test_one_type_that_cannot_be_had_does_not_take_the_others(
    keyed: Client, talk: Transcript, engine: StandInEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = engine.extract

    def extract(what: Any, *args: Any, **more: Any) -> Any:
        if what == "sentiment":
            raise UnsupportedLanguage("unsupported_language", "The rules do not know Klingon.")
        return given(what, *args, **more)

    monkeypatch.setattr(engine, "extract", extract)
    body = good(twin(keyed, talk, "analyze"))
    assert len(body["results"]) == 5
    assert "Klingon" in body["details"]["sentiment"]["error"]
    assert "Klingon" in refused(twin(keyed, talk, "analyze", type="sentiment"), 400)


def test_texts_and_translations_of_a_transcript(keyed: Client, talk: Transcript, model: LanguageModel) -> None:
    model.reply = upper
    body = good(twin(keyed, talk, "translate", target="de"))
    assert [turn["text"] for turn in body["turns"]][1] == "ANN SENDS THE REPORT ON FRIDAY."
    assert [turn["start"] for turn in body["turns"]] == [0.0, 5.0, 10.0]
    assert body["translated_text"] == "GOOD MORNING ALL.\nANN SENDS THE REPORT ON FRIDAY.\nFINE."
    model.reply = lambda body: "She sends it [#2]."
    made = good(twin(keyed, talk, "generate", prompt="Who?"))
    assert (made["type"], made["content"]) == ("custom", "She sends it [0:05].")
    assert good(twin(keyed, talk, "generate", prompt="Who?"))["cached"]
    assert good(twin(keyed, talk, "generate", kind="social_twitter"))["type"] == "social_media"


def test_a_transcript_without_a_text_is_not_ready(keyed: Client, alice: User) -> None:
    waiting = transcript(alice, state=JobState.RUNNING, segments=())
    assert refused(twin(keyed, waiting, "summarize"), 409)


def upper(body: dict[str, Any]) -> Any:
    return {"texts": [text.upper() for text in json.loads(body["messages"][1]["content"])]}
