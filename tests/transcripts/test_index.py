"""The index follows what is shown: made by a worker, anew after edits, gone with the trash."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import User
from stt_site.lib import queue
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.meanings import hashed
from tests.web import rows
from transcripts import engine_gateway, library, search, selectors, tasks
from transcripts.library import Filters
from transcripts.models import Index, Passage, Transcript
from transcripts.services import index, sweep, trash
from transcripts.services.claim import claim
from transcripts.services.editing import text
from transcripts.services.index import INDEX
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_gateway, "embed", hashed)


def found(owner: User, query: str) -> list[Transcript]:
    return library.find(owner, Filters(query=query)).transcripts


def work() -> None:
    """What a worker does for the messages that wait."""
    for pk in queue.pending(INDEX):
        tasks.index_transcript(pk)


def test_a_finished_job_is_indexed_by_the_worker_it_rings_for(order: Callable[..., Order], user: User) -> None:
    made = submit(order())
    run_job(made.job_id)
    assert queue.pending(INDEX) == {made.pk}
    assert found(user, "chunk") == []
    work()
    assert found(user, "chunk") == [made]
    [passage] = Passage.objects.all()
    assert (passage.owner, passage.text, passage.start, passage.end) == (user, "chunk 0 chunk 1 chunk 2", 0.0, 30.0)
    assert passage.parts == [[0, 0.0, 0, ""], [1, 10.0, 8, ""], [2, 20.0, 16, ""]]
    assert Index.objects.get().due_at is None


def test_nobody_s_recording_is_not_indexed_until_it_is_somebody_s(alice: User) -> None:
    made = rows.transcript(None)
    index.make(made.pk)
    assert not Passage.objects.exists()
    claim(made.view_token, alice)
    work()
    assert found(alice, "remote") == [made]


def test_an_edit_is_found_when_its_rest_is_over_and_what_it_replaced_is_not(alice: User) -> None:
    made = rows.transcript(alice)
    [turn] = [turn for turn in selectors.turns(made).turns if "remote" in turn.text]
    before = bytes(Passage.objects.get().embedding or b"")
    text.edit(made, alice, turn.id, turn.rev, "We went to the sea.")
    due = Index.objects.get().due_at
    assert due is not None
    assert timedelta() < due - timezone.now() <= index.REST
    assert queue.pending(INDEX) == {made.pk}
    work()
    assert (found(alice, "sea"), found(alice, "remote")) == ([made], [])
    assert bytes(Passage.objects.get().embedding or b"") != before


def test_a_text_that_changes_while_it_is_read_stays_due(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rows.transcript(alice)

    def meanwhile(texts: Sequence[str], **more: Any) -> Any:
        Transcript.objects.filter(pk=made.pk).update(rev=7)
        return hashed(texts)

    Passage.objects.update(embedding=None)
    index.want(made.pk)
    monkeypatch.setattr(engine_gateway, "embed", meanwhile)
    assert not index.make(made.pk)
    assert Index.objects.get().due_at is not None


def test_what_is_in_the_trash_is_not_found_and_what_is_taken_back_is(alice: User) -> None:
    made = rows.transcript(alice)
    trash.trash(made)
    assert not Passage.objects.exists()
    assert search.search(alice, "remote") == []
    trash.restore(made)
    work()
    assert found(alice, "remote") == [made]
    assert [hit.transcript for hit in search.search(alice, "remote")] == [made]


def test_without_an_engine_words_are_found_and_meanings_come_later(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(texts: Sequence[str], **more: Any) -> Any:
        raise ServiceError(ErrorCode.ENGINE_UNAVAILABLE)

    monkeypatch.setattr(engine_gateway, "embed", down)
    made = rows.transcript(alice)
    assert found(alice, "remote") == [made]
    assert [hit.by for hit in search.search(alice, "remote")] == ["words"]
    with pytest.raises(ServiceError, match="not running"):
        search.search(alice, "remote", by="meaning")
    waiting = Index.objects.get()
    assert (waiting.failures, waiting.due_at is not None) == (1, True)
    monkeypatch.setattr(engine_gateway, "embed", hashed)
    Index.objects.update(due_at=timezone.now())
    sweep.ring_lost_indexes()
    work()
    assert Index.objects.get().due_at is None
    assert [hit.transcript for hit in search.search(alice, "the brief is a remote", by="meaning")] == [made]


def test_everything_is_indexed_anew_on_request(alice: User) -> None:
    made = [rows.transcript(alice) for _ in range(3)]
    Passage.objects.all().delete()
    call_command("reindex")
    sweep.ring_lost_indexes()
    assert queue.pending(INDEX) == {each.pk for each in made}
    work()
    assert Passage.objects.filter(embedding__isnull=False).count() == 3


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL removes a row's words with it")
def test_no_word_of_what_was_deleted_stays_in_the_index(alice: User) -> None:
    rows.transcript(alice, segments=[rows.spoken("Sail to zanzibar.", 0)])

    def bytes_of_the_index() -> bytes:
        with connection.cursor() as cursor:
            cursor.execute("SELECT block FROM transcripts_words_data")
            return b"".join(block for (block,) in cursor.fetchall())

    assert b"zanzibar" in bytes_of_the_index()
    Transcript.objects.all().delete()
    index.tidy()
    index.tidy()
    assert b"zanzibar" not in bytes_of_the_index()
