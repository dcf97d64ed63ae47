from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services.access import Caller
from engine.errors import MediaError
from stt_site.lib import queue
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.conftest import Commits, held_mc
from tests.transcripts.stand_ins import StandInEngine
from transcripts import incoming, selectors, storage
from transcripts.models import Job, JobState, Media, Origin, Playback, Transcript
from transcripts.services import index, playback, transcripts
from transcripts.services.claim import claim
from transcripts.services.leases import Lease
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db
FAR = 2.0**40


def test_deleting_leaves_nothing(transcript: Transcript, commits: Commits) -> None:
    run_job(transcript.job_id)
    with commits(execute=True):
        transcripts.delete(transcript)
    assert not Transcript.objects.exists()
    assert not Job.objects.exists()
    assert not Media.objects.exists()
    assert storage.local_keys(FAR) == set()


def test_deleting_stops_the_work_and_frees_the_hold(lease: Lease, user: User, engine: StandInEngine) -> None:
    transcripts.delete(lease.job.transcript)
    assert held_mc(user) == 0
    assert not Job.objects.exists()


def test_a_result_that_cannot_go_does_not_keep_the_others(
    order: Callable[..., Order], anonymous: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, _free = (submit(order(caller=anonymous, origin=Origin.WEB, interactive=False)) for _ in range(2))
    Transcript.objects.update(expires_at=timezone.now())
    delete = transcripts.delete

    def delete_unless_stuck(transcript: Transcript) -> None:
        if transcript.pk == stuck.pk:
            raise OSError("the storage does not answer")
        delete(transcript)

    monkeypatch.setattr(transcripts, "delete", delete_unless_stuck)
    assert transcripts.purge_expired() == 1
    assert list(Transcript.objects.values_list("pk", flat=True)) == [stuck.pk]


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_title_has_to_be_one(transcript: Transcript, title: str) -> None:
    with pytest.raises(ServiceError) as caught:
        transcripts.rename(transcript, title)
    assert caught.value.code is ErrorCode.INVALID_REQUEST


def test_renaming(transcript: Transcript) -> None:
    transcripts.rename(transcript, "  Board  meeting ")
    assert Transcript.objects.get().title == "Board meeting"


def test_an_anonymous_result_can_be_kept(order: Callable[..., Order], anonymous: Caller, user: User) -> None:
    transcript = submit(order(caller=anonymous, origin=Origin.WEB, interactive=False))
    kept = claim(transcript.view_token, user)
    run_job(kept.job_id)
    assert selectors.transcript_for(user, kept.slug).expires_at is None
    with pytest.raises(ServiceError):
        selectors.anonymous_transcript(transcript.view_token)


def test_a_copy_for_the_browser_is_made(transcript: Transcript) -> None:
    with pytest.raises(ServiceError) as caught:
        selectors.playback_file(transcript.media)
    assert caught.value.code is ErrorCode.NOT_READY
    playback.make(transcript.media_id)
    media = Media.objects.get()
    assert (media.playback, bytes(media.peaks)) == (Playback.READY, b"\x00\xff")
    with selectors.playback_file(media) as file:
        assert (file.read(), file.size) == (b"m4a", 3)
    assert not list(incoming.directory().iterdir())


def test_copies_are_made_one_at_a_time(transcript: Transcript) -> None:
    with playback.one_at_a_time("playback") as mine:
        assert mine
        playback.make(transcript.media_id)
    assert Media.objects.get().playback == Playback.PENDING
    assert queue.pending(playback.MAKE_PLAYBACK) == {transcript.media_id}


def test_a_failed_copy_fails_nothing_else(transcript: Transcript, engine: StandInEngine) -> None:
    engine.playback_error = MediaError("decode_failed")
    playback.make(transcript.media_id)
    run_job(transcript.job_id)
    assert Media.objects.get().playback == Playback.FAILED
    assert Job.objects.get().state == JobState.SUCCEEDED
    with pytest.raises(ServiceError) as caught:
        selectors.playback_file(Media.objects.get())
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_a_transcript_is_found_by_each_of_its_names(transcript: Transcript, user: User) -> None:
    for ref in (str(transcript.pk), transcript.slug, transcript.public_id):
        assert selectors.transcript_for(user, ref) == transcript


@pytest.mark.parametrize("ref", ["", "no-such", "0", "9" * 40, "²", "\x00"])
def test_a_name_that_is_none_is_not_found(transcript: Transcript, user: User, ref: str) -> None:
    with pytest.raises(ServiceError) as caught:
        selectors.transcript_for(user, ref)
    assert caught.value.code is ErrorCode.NOT_FOUND


def test_nobody_reads_anothers(transcript: Transcript, bob: User) -> None:
    assert not selectors.transcripts_for(bob)
    for ref in (str(transcript.pk), transcript.slug, transcript.public_id):
        with pytest.raises(ServiceError) as caught:
            selectors.transcript_for(bob, ref)
        assert caught.value.code is ErrorCode.NOT_FOUND
    with pytest.raises(ServiceError):
        selectors.anonymous_transcript(transcript.view_token)


def test_the_list_filters(order: Callable[..., Order], user: User) -> None:
    done, waiting = submit(order(title="Ärger im Büro")), submit(order(title="Budget"))
    run_job(done.job_id)
    index.make(done.pk)
    Transcript.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(days=2))
    today, before = timezone.now().date(), timezone.now().date() - timedelta(days=2)
    find = selectors.transcripts_for
    assert list(find(user)) == [done, waiting]
    assert list(find(user, status="completed")) == [done]
    assert list(find(user, status="pending")) == [waiting]
    assert list(find(user, group="working")) == [waiting]
    assert list(find(user, language="en")) == [done]
    assert list(find(user, date_from=today)) == [done]
    assert list(find(user, date_to=before)) == [waiting]
    assert list(find(user, date_from=before, date_to=today)) == [done, waiting]
    assert list(find(user, query="chunk 2")) == [done]
    assert list(find(user, slugs=[waiting.slug])) == [waiting]
    assert list(find(user, order="length")) == [done, waiting]
    assert list(find(user, order="title")) == [waiting, done]
    with pytest.raises(ServiceError) as caught:
        find(user, status="done")
    assert "completed" in caught.value.message
    counts = selectors.transcript_counts(user)
    assert counts.groups == {"": 2, "working": 1, "ready": 1, "failed": 0}
    assert counts.languages == ["en"]
