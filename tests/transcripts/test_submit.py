from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from accounts.models import ConcurrencySlot, DailyUse, Reservation, User
from accounts.services import ledger, plans
from accounts.services.access import Caller
from engine.errors import EngineGone, MediaError
from engine.types import MediaInfo, Options
from stt_site.lib import queue
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.transcripts.conftest import held_mc
from tests.transcripts.stand_ins import StandInEngine
from transcripts import incoming, storage
from transcripts.models import Job, JobState, Media, Origin, Transcript
from transcripts.services import submit as submit_service
from transcripts.services.leases import RUN_JOB
from transcripts.services.playback import MAKE_PLAYBACK
from transcripts.services.submit import Order, StoredUpload, submit

pytestmark = pytest.mark.django_db
Make = Callable[..., Order]


def nothing_is_left(data_dir: Path) -> bool:
    files = [path for folder in ("incoming", "media") for path in (data_dir / folder).rglob("*")]
    rows = (Media, Job, Transcript, ConcurrencySlot)
    messages = queue.pending(RUN_JOB) | queue.pending(MAKE_PLAYBACK)
    return not files and not messages and not any(model.objects.exists() for model in rows)


def refused(order: Order) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        submit(order)
    return caught.value


def test_an_accepted_file_is_stored_held_for_and_queued(order: Make, user: User, data_dir: Path) -> None:
    transcript = submit(order())
    job = transcript.job
    assert (job.state, job.reserved_mc, job.total_ms, job.interactive) == (JobState.QUEUED, 1000, 30_000, True)
    assert held_mc(user) == 1000
    assert queue.pending(RUN_JOB) == {job.pk}
    assert ConcurrencySlot.objects.get().holder == f"job:{job.pk}"
    stored = data_dir / "media" / transcript.media.key / "source"
    assert stored.read_bytes() == b"RIFF"
    assert (stored.stat().st_mode & 0o777, stored.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert not list((data_dir / "incoming").iterdir())
    assert transcript.title == "talk"
    assert transcript.public_id.startswith("tr_")
    assert transcript.slug.startswith("talk-")
    assert (transcript.view_token, transcript.expires_at) == ("", None)


def test_the_hold_says_which_key_by_which_door_for_which_result(order: Make, user: User) -> None:
    with_key = Caller(user, 7, "192.0.2.1", plans.plan_of(user))
    by_key, by_page = submit(order(caller=with_key)), submit(order(origin=Origin.WEB, interactive=False))
    said = Reservation.objects.order_by("created_at").values_list("source", "api_key_id", "paid_for")
    assert list(said) == [("api", 7, by_key.public_id), ("web", None, by_page.public_id)]


def test_a_page_upload_takes_no_place_and_has_its_copy_made_beside(order: Make) -> None:
    transcript = submit(order(origin=Origin.WEB, interactive=False))
    assert not ConcurrencySlot.objects.exists()
    assert queue.pending(MAKE_PLAYBACK) == {transcript.media_id}
    assert Options(**transcript.job.options).priority == "bulk"


def test_an_anonymous_page_upload_gets_a_secret_address_and_an_end(order: Make, anonymous: Caller) -> None:
    transcript = submit(order(caller=anonymous, origin=Origin.WEB, interactive=False))
    assert len(transcript.view_token) == 43
    assert transcript.expires_at is not None
    assert transcript.job.reserved_mc == 0
    assert DailyUse.objects.get().count == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MediaError("no_audio_stream"), ErrorCode.NO_AUDIO_STREAM),
        (MediaError("unsupported_media"), ErrorCode.UNSUPPORTED_MEDIA),
        (EngineGone("engine_gone", "The speech engine does not answer."), ErrorCode.ENGINE_UNAVAILABLE),
    ],
)
def test_a_file_that_cannot_be_probed_leaves_nothing(
    order: Make, engine: StandInEngine, user: User, data_dir: Path, error: Exception, code: ErrorCode
) -> None:
    engine.probe_error = error
    refusal = refused(order())
    assert refusal.code is code
    assert "Nothing was charged." in refusal.message
    assert nothing_is_left(data_dir)
    assert held_mc(user) == 0


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (Options(model="no-such-model"), ErrorCode.UNKNOWN_MODEL),
        (Options(model="medium"), ErrorCode.MODEL_UNAVAILABLE),
        (Options(language="xx"), ErrorCode.UNSUPPORTED_LANGUAGE),
        (Options(model="pocketsphinx-en-us", language="de"), ErrorCode.UNSUPPORTED_LANGUAGE),
    ],
)
def test_what_no_model_here_can_do_is_refused(order: Make, data_dir: Path, options: Options, code: ErrorCode) -> None:
    assert refused(order(options=options)).code is code
    assert nothing_is_left(data_dir)


def test_a_language_is_passed_on_in_the_engines_spelling(order: Make) -> None:
    assert submit(order(options=Options(language="JV"))).job.options["language"] == "jw"


def test_a_declared_length_over_the_cap_is_refused(order: Make, engine: StandInEngine, data_dir: Path) -> None:
    engine.info = replace(engine.info, duration=13 * 3600.0)
    refusal = refused(order())
    assert refusal.code is ErrorCode.MEDIA_TOO_LONG
    assert "12 hours" in refusal.message
    assert nothing_is_left(data_dir)


def test_more_than_the_credits_cover_is_refused(order: Make, engine: StandInEngine, user: User, data_dir: Path) -> None:
    left = ledger.balance(user).available_mc // 1000
    engine.info = replace(engine.info, duration=left * 60.0 + 1)
    assert refused(order()).code is ErrorCode.INSUFFICIENT_CREDITS
    assert nothing_is_left(data_dir)
    assert held_mc(user) == 0


def test_one_more_than_the_plan_runs_at_once_is_refused(order: Make, caller: Caller, user: User) -> None:
    for _ in range(caller.plan.concurrent):
        submit(order())
    refusal = refused(order())
    assert refusal.code is ErrorCode.CONCURRENCY_LIMIT
    assert refusal.retry_after
    assert Job.objects.count() == caller.plan.concurrent
    assert held_mc(user) == caller.plan.concurrent * 1000
    assert not list(incoming.directory().iterdir())


def test_one_more_than_the_day_allows_is_refused(
    order: Make, anonymous: Caller, upload: Callable[..., StoredUpload]
) -> None:
    limit = anonymous.plan.daily_transcriptions
    assert limit
    for _ in range(limit):
        submit(order(caller=anonymous, interactive=False))
    assert refused(order(caller=anonymous, interactive=False)).code is ErrorCode.DAILY_LIMIT
    assert Job.objects.count() == limit


def test_a_full_disk_is_said_before_anything_is_held(order: Make, settings: Settings, data_dir: Path) -> None:
    settings.DISK_RESERVE_BYTES = 2**62
    refusal = refused(order())
    assert (refusal.code, refusal.status) == (ErrorCode.STORAGE_FULL, 507)
    assert nothing_is_left(data_dir)


def test_an_accident_on_the_last_step_undoes_all(
    order: Make, user: User, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any) -> None:
        raise OSError("the queue is gone")

    monkeypatch.setattr(submit_service, "ring", break_down)
    with pytest.raises(OSError, match="the queue is gone"):
        submit(order())
    assert nothing_is_left(data_dir)
    assert held_mc(user) == 0


@pytest.mark.parametrize(
    ("info", "size", "minutes"),
    [
        (MediaInfo("wav", "pcm", 60.0, 16000, 1, False), 4, 1),
        (MediaInfo("wav", "pcm", 60.5, 16000, 1, False), 4, 2),
        (MediaInfo("mp3", "mp3", 600.0, 16000, 1, False), 4, 12),
        (MediaInfo("matroska,webm", "opus", None, 48000, 1, False), 90_000, 2),
        (MediaInfo("matroska,webm", "opus", None, 48000, 1, False), 10**9, 600),
    ],
    ids=["declared", "started minute", "guessed: a tenth and a minute more", "undeclared: by size", "all there is"],
)
def test_what_is_held_bounds_what_may_be_decoded(
    order: Make, engine: StandInEngine, upload: Callable[..., StoredUpload], info: MediaInfo, size: int, minutes: int
) -> None:
    engine.info = info
    job = submit(order(upload=replace(upload(), size=size))).job
    assert job.reserved_mc == minutes * 1000
    assert Options(**job.options).max_seconds == minutes * 60.0 + 1.0


def test_names_are_kept_for_people_only(order: Make, upload: Callable[..., StoredUpload]) -> None:
    transcript = submit(order(upload=upload(name="../../etc/pässwd\x00.mp3")))
    assert "/" not in transcript.media.key
    assert storage.local_keys(2**40) == {transcript.media.key}
    assert transcript.slug.startswith("passwd")
