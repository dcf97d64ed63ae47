"""Who spoke: asked for with a recording, or of a transcript that is there."""

from typing import Any

import pytest
from django.test import Client
from django_q.models import OrmQ

from accounts.models import User
from accounts.services import ledger
from engine.errors import EngineError, EngineGone
from stt_site.lib import queue
from tests.api.conftest import transcribe
from tests.transcripts.stand_ins import StandInEngine
from tests.web import rows
from transcripts.models import Job, JobState, Transcript
from transcripts.services import speakers, sweep

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


@pytest.fixture
def engine(engine: StandInEngine) -> StandInEngine:
    engine.diarizer = "stand-in"
    return engine


@pytest.fixture
def made(keyed: Client, engine: StandInEngine) -> Transcript:
    """Without labels."""
    answer = transcribe(keyed, diarize="false").json()
    return Transcript.objects.get(public_id=answer["transcript_id"])


def ask(client: Client, made: Transcript, **body: int) -> Any:
    return client.post(f"/api/v1/transcripts/{made.pk}/speakers/", body, content_type="application/json")


def test_the_number_of_speakers_reaches_the_engine_and_the_labels_the_caller(
    keyed: Client, engine: StandInEngine
) -> None:
    body = transcribe(keyed, speakers="2").json()
    assert (engine.options[-1].diarize, engine.options[-1].speakers) == (True, 2)
    assert [segment["speaker"] for segment in body["segments"]] == ["Speaker 1", "Speaker 2", "Speaker 1"]
    assert body["speakers"] == ["Speaker 1", "Speaker 2"]
    assert body["warnings"] == []
    stored = keyed.get(f"/api/v1/transcripts/{Transcript.objects.get().pk}/").json()
    assert stored["turns"][1] == {"start": 10.0, "end": 20.0, "speaker": "Speaker 2"}
    assert stored["labelling"] is False


def test_who_wants_no_labels_gets_none(keyed: Client, engine: StandInEngine) -> None:
    body = transcribe(keyed, diarize="false", speakers="2").json()
    assert (engine.options[-1].diarize, engine.options[-1].speakers) == (False, None)
    assert not any("speaker" in segment for segment in body["segments"])
    assert body["speakers"] == []


def test_a_transcript_is_labelled_later_for_nothing(keyed: Client, alice: User, made: Transcript) -> None:
    before = ledger.balance(alice).available_mc
    answer = ask(keyed, made, speakers=2)
    assert answer.status_code == 202
    assert answer.json()["labelling"] is True
    assert queue.pending(speakers.LABEL_SPEAKERS) == {made.pk}
    speakers.label(made.pk)
    body = keyed.get(f"/api/v1/transcripts/{made.pk}/").json()
    assert body["labelling"] is False
    assert [segment["speaker"] for segment in body["segments"]] == ["Speaker 1", "Speaker 2", "Speaker 1"]
    assert body["text"] == made.text
    assert ledger.balance(alice).available_mc == before


def test_what_fails_for_good_leaves_the_text_and_says_so(
    keyed: Client, made: Transcript, engine: StandInEngine
) -> None:
    engine.label_error = EngineError("speaker_labels_failed", "It broke.")
    ask(keyed, made)
    speakers.label(made.pk)
    body = keyed.get(f"/api/v1/transcripts/{made.pk}/").json()
    assert [notice["code"] for notice in body["warnings"]] == ["speaker_labels_failed"]
    assert (body["text"], body["labelling"], len(body["segments"])) == (made.text, False, 3)
    engine.label_error = None
    ask(keyed, made)
    speakers.label(made.pk)
    again = keyed.get(f"/api/v1/transcripts/{made.pk}/").json()
    assert (again["warnings"], again["speakers"]) == ([], ["Speaker 1"])


def test_an_engine_that_goes_away_each_time_is_asked_three_times(made: Transcript, engine: StandInEngine) -> None:
    engine.label_error = EngineGone("engine_gone", "It went away.")
    Transcript.objects.filter(pk=made.pk).update(
        labels_wanted={"speakers": None, "min_speakers": None, "max_speakers": None, "attempts": 0}
    )
    asked = len(engine.options)
    for _ in range(5):
        speakers.label(made.pk)
    made.refresh_from_db()
    assert len(engine.options) - asked == speakers.MOST_ATTEMPTS
    assert made.labels_wanted is None
    assert [notice["code"] for notice in made.warnings] == ["speaker_labels_failed"]


def test_a_lost_message_is_rung_again(keyed: Client, made: Transcript) -> None:
    ask(keyed, made)
    OrmQ.objects.all().delete()
    sweep.ring_lost_labels()
    assert queue.pending(speakers.LABEL_SPEAKERS) == {made.pk}


def test_what_is_not_completed_cannot_be_labelled(keyed: Client, alice: User, engine: StandInEngine) -> None:
    assert ask(keyed, rows.transcript(alice, state=JobState.RUNNING)).status_code == 409
    assert Job.objects.count() == 1


def test_a_server_without_a_diarizer_says_so(keyed: Client, made: Transcript, engine: StandInEngine) -> None:
    engine.diarizer = None
    assert ask(keyed, made).status_code == 503
    made.refresh_from_db()
    assert made.labels_wanted is None


@pytest.mark.parametrize("body", [{"speakers": -1}, {"speakers": 51}, {"min_speakers": 4, "max_speakers": 2}])
def test_counts_that_make_no_sense_are_refused(keyed: Client, made: Transcript, body: dict[str, int]) -> None:
    assert ask(keyed, made, **body).status_code == 400


def test_nobody_labels_what_is_not_theirs(anonymous: Client, made: Transcript) -> None:
    assert ask(anonymous, made).status_code == 401
