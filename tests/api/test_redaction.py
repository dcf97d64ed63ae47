"""What identifies a person, out of text, words and sound, by the real rules over a real HTTP surface."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from accounts.models import ConcurrencySlot, User
from engine.text.extract import extract
from engine.text.types import Line
from engine.types import Segment
from tests.transcripts.stand_ins import StandInEngine
from tests.web.rows import spoken, transcript
from transcripts import selectors, storage
from transcripts.models import Transcript
from transcripts.services import redaction
from transcripts.services.editing import text as editing

pytestmark = pytest.mark.django_db
MAIL, CARD = "jane.doe@example.org", "4111 1111 1111 1111"
SAID = (
    spoken("Good morning all.", 0.0, language="en"),
    spoken(f"Write to {MAIL} today.", 5.0, language="en", tokens=(1, 2)),
    spoken("My card number is 4111 1111", 10.0, language="en"),
    spoken("1111 1111, thank you.", 15.0, language="en"),
)


@pytest.fixture(autouse=True)
def rules(engine: StandInEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_rules(what: Any, lines: Sequence[Line], **more: Any) -> Any:
        return extract(what, lines, lambda texts: pytest.fail("no model is needed"), **{**more, "style": "brief"})

    monkeypatch.setattr(engine, "extract", by_rules)


@pytest.fixture
def talk(alice: User) -> Transcript:
    return transcript(alice, title=f"Call with {MAIL}", segments=SAID)


def everything(segments: Sequence[Segment]) -> str:
    return json.dumps([[each.text, [word.text for word in each.words]] for each in segments])


def test_text_and_words_lose_it_and_times_stay(talk: Transcript) -> None:
    made, [title] = redaction.redacted(selectors.document(talk), [talk.title])
    assert title == "Call with [EMAIL]"
    texts = [segment.text for segment in made.segments]
    assert texts[:2] == ["Good morning all.", "Write to [EMAIL] today."]
    assert "4111" not in everything(made.segments)
    assert "1111" not in everything(made.segments)
    assert texts[3].endswith("thank you.")
    assert made.text == " ".join(texts)
    mail = next(word for word in made.segments[1].words if word.text == "[EMAIL]")
    assert (mail.start, mail.end) == (5.8, 6.2)
    assert made.segments[1].tokens == ()
    assert made.segments[0] == selectors.document(talk).segments[0]


def test_it_is_known_when_it_is_heard(talk: Transcript) -> None:
    first, *cards = redaction.stretches(selectors.document(talk).segments, language="en")
    assert first == pytest.approx((5.8 - redaction.MARGIN, 6.2 + redaction.MARGIN))
    assert cards[0][0] < 11.7
    assert cards[-1][1] > 15.6


def test_a_segment_without_words_goes_as_a_whole() -> None:
    silent = replace(SAID[1], words=())
    assert redaction.stretches([silent], language="en") == [(5.0 - redaction.MARGIN, silent.end + redaction.MARGIN)]


@pytest.mark.parametrize("export", ["txt", "srt", "vtt", "json", "csv", "md"])
def test_exports_lose_it_on_request(keyed: Client, talk: Transcript, export: str) -> None:
    address = f"/api/v1/transcripts/{talk.public_id}/export/{export}/"
    assert MAIL in keyed.get(address).content.decode()
    answer = keyed.get(address, {"redact": "1"})
    assert "EMAIL" in answer.content.decode()
    for secret in (MAIL, "4111", "1111"):
        assert secret not in answer.content.decode()
        assert secret not in str(answer.headers)


def test_a_transcript_loses_it_on_request(keyed: Client, talk: Transcript) -> None:
    body = keyed.get(f"/api/v1/transcripts/{talk.public_id}/", {"redact": "true"}).json()
    assert body["title"] == "Call with [EMAIL]"
    assert body["slug"] == talk.public_id
    assert MAIL not in json.dumps(body)
    assert "1111" not in json.dumps(body["segments"])
    assert MAIL in json.dumps(keyed.get(f"/api/v1/transcripts/{talk.public_id}/").json())


def test_a_copy_of_the_sound_loses_it(keyed: Client, talk: Transcript, alice: User) -> None:
    path = storage.incoming_path("sent")
    path.write_bytes(b"RIFF")
    storage.store(talk.media.key, storage.SOURCE, path)
    address = f"/api/v1/transcripts/{talk.public_id}/audio/redacted/"
    answer: Any = keyed.get(address)
    assert answer.headers["Content-Type"] == "audio/wav"
    asked = b"".join(answer.streaming_content).decode()
    assert asked.startswith("beep [(5.55, 6.45)")
    count = int(answer.headers["X-Redacted-Stretches"])
    editing.edit(talk, alice, 0, 0, "All is gone.", "")
    later: Any = keyed.get(address, {"cover": "mute"})
    assert b"".join(later.streaming_content).decode() == asked.replace("beep", "mute")
    assert int(later.headers["X-Redacted-Stretches"]) == count
    assert not ConcurrencySlot.objects.exists()
    with storage.local_path(talk.media.key) as source:
        assert source.read_bytes() == b"RIFF"
    assert keyed.get(address, {"cover": "song"}).status_code == 400


def test_a_recording_that_is_gone_is_said(keyed: Client, talk: Transcript) -> None:
    answer = keyed.get(f"/api/v1/transcripts/{talk.public_id}/audio/redacted/")
    assert answer.status_code == 404
    assert "no longer here" in answer.json()["error"]
