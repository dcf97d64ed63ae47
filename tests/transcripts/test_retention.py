"""Recordings go when their owner's time for them is over."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.conftest import Clock
from transcripts import selectors, storage
from transcripts.models import Job, Media, Playback, Transcript
from transcripts.services import closing, leases, sweep
from transcripts.services.retry import retry
from transcripts.services.run import run_job
from transcripts.services.submit import Order, submit

pytestmark = pytest.mark.django_db


@pytest.fixture
def make(clock: Clock, order: Callable[..., Order]) -> Callable[[], Transcript]:
    def done() -> Transcript:
        made = submit(order())
        run_job(made.job_id)
        return made

    return done


def choose(user: User, value: str) -> int:
    browser = Client()
    browser.force_login(user)
    answer = browser.post("/account/", {"section": "recordings", "keep_recordings_days": value}, follow=True)
    return answer.status_code


def there() -> set[str]:
    return storage.local_keys(2.0**40)


def test_nothing_goes_by_itself(make: Callable[[], Transcript], clock: Clock) -> None:
    made = make()
    clock.advance(days=5000)
    sweep.clean()
    assert there() == {made.media.key}


def test_after_the_chosen_days_the_recording_is_gone_and_the_text_stays(
    make: Callable[[], Transcript], clock: Clock, user: User
) -> None:
    old = make()
    assert choose(user, "7") == 200
    clock.advance(days=3)
    young = make()
    clock.advance(days=4, seconds=1)
    sweep.clean()
    assert there() == {young.media.key}
    media = Media.objects.get(pk=old.media_id)
    assert (media.removed_at, media.playback, bytes(media.peaks)) == (clock.now, Playback.FAILED, b"")
    made = selectors.transcript_for(user, old.slug)
    assert selectors.document(made).segments
    with pytest.raises(ServiceError, match="no audio to play"):
        selectors.playback_file(made.media)
    browser = Client()
    browser.force_login(user)
    assert "The recording was removed on" in browser.get(f"/transcripts/{old.slug}/").content.decode()


def test_at_once_means_when_the_work_is_done(
    order: Callable[..., Order], user: User, clock: Clock, make: Callable[[], Transcript]
) -> None:
    choose(user, "0")
    waiting = submit(order())
    sweep.clean()
    assert there() == {waiting.media.key}
    run_job(waiting.job_id)
    sweep.clean()
    assert there() == set()


def test_a_storage_that_does_not_answer_is_asked_again(
    make: Callable[[], Transcript], user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(user, "0")
    make()
    delete = storage.delete

    def refuse(key: str) -> None:
        raise OSError("the storage does not answer")

    monkeypatch.setattr(storage, "delete", refuse)
    sweep.clean()
    assert Media.objects.get().removed_at is None
    monkeypatch.setattr(storage, "delete", delete)
    sweep.clean()
    assert Media.objects.get().removed_at
    assert there() == set()


def test_what_has_no_recording_is_not_run_again(order: Callable[..., Order], user: User) -> None:
    choose(user, "0")
    lease = leases.claim(submit(order()).job_id)
    assert lease
    closing.fail(lease.mine, ErrorCode.POISON)
    sweep.clean()
    with pytest.raises(ServiceError, match="as its owner wished"):
        retry(Job.objects.select_related("owner", "media").get())


@pytest.mark.parametrize("value", ["-1", "3", "x", "1e3"])
def test_other_times_are_not_offered(user: User, value: str) -> None:
    assert choose(user, value) == 400
    user.refresh_from_db()
    assert user.keep_recordings_days is None


def test_the_choice_is_shown_and_can_be_taken_back(user: User) -> None:
    choose(user, "30")
    browser = Client()
    browser.force_login(user)
    assert '<option value="30" selected>' in browser.get("/account/").content.decode()
    choose(user, "")
    user.refresh_from_db()
    assert user.keep_recordings_days is None
    assert '<option value="" selected>' in browser.get("/account/").content.decode()
