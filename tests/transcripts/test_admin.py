"""What an administrator sees of work, and the two things that can be done about it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import Reservation, User
from stt_site.lib.errors import ErrorCode
from tests.conftest import PASSWORD
from tests.transcripts.conftest import held_mc
from transcripts import storage
from transcripts.models import Job, JobState, Transcript, TranscriptSegment
from transcripts.services import closing
from transcripts.services.audit import audit
from transcripts.services.leases import Lease
from transcripts.services.run import run_job

pytestmark = pytest.mark.django_db
JOBS = "/admin/transcripts/job/"
SAID = "xyzzy the secret of the meeting"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    return client


def act(client: Client, action: str, *jobs: Job) -> str:
    data: dict[str, Any] = {"action": action, "_selected_action": [job.pk for job in jobs]}
    return client.post(JOBS, data, follow=True).content.decode()


def test_a_failed_job_is_run_again_in_the_place_of_the_old_one(admin: Client, lease: Lease, user: User) -> None:
    job = lease.job
    closing.fail(lease.mine, ErrorCode.POISON)
    assert held_mc(user) == 0
    assert "Started 1 jobs." in act(admin, "retry", job)
    again = Transcript.objects.get().job
    assert again.pk != job.pk
    assert (again.state, again.reserved_mc) == (JobState.QUEUED, job.reserved_mc)
    assert held_mc(user) == job.reserved_mc > 0
    run_job(again.pk)
    again.refresh_from_db()
    assert again.state == JobState.SUCCEEDED
    assert again.charged_mc > 0
    assert Transcript.objects.get().text
    assert Reservation.objects.get(reference=f"job:{job.pk}").charged_mc == 0
    assert audit() == []


def test_what_a_test_key_sent_is_run_again_and_nothing_stays_held(admin: Client, lease: Lease, user: User) -> None:
    closing.fail(lease.mine, ErrorCode.POISON)
    Job.objects.update(reserved_mc=0)
    act(admin, "retry", lease.job)
    run_job(Transcript.objects.get().job_id)
    assert Transcript.objects.get().job.state == JobState.SUCCEEDED
    assert audit() == []


def test_nothing_is_run_twice(admin: Client, lease: Lease, user: User) -> None:
    assert "Only what ended badly is run again." in act(admin, "retry", lease.job)
    closing.fail(lease.mine, ErrorCode.POISON)
    act(admin, "retry", lease.job)
    assert "has been run again before" in act(admin, "retry", lease.job)
    assert Job.objects.count() == 2
    assert held_mc(user) == lease.job.reserved_mc


def test_without_credits_it_says_so(admin: Client, lease: Lease, user: User, settings: Any) -> None:
    closing.fail(lease.mine, ErrorCode.POISON)
    settings.FREE_MINUTES_PER_MONTH = 0
    Job.objects.filter(pk=lease.job.pk).update(reserved_mc=10**9)
    assert "credits" in act(admin, "retry", lease.job)
    assert Job.objects.count() == 1


def test_cancelling_ends_what_waits_and_asks_what_runs(admin: Client, lease: Lease, user: User) -> None:
    assert "Cancelled 1 jobs." in act(admin, "cancel", lease.job)
    lease.job.refresh_from_db()
    assert lease.job.cancel_requested
    Job.objects.update(state=JobState.QUEUED, cancel_requested=False)
    act(admin, "cancel", lease.job)
    assert Job.objects.get().state == JobState.CANCELLED
    assert held_mc(user) == 0


def test_staff_that_may_only_look_cannot_act(client: Client, lease: Lease) -> None:
    staff = User.objects.create_user("staff@example.com", PASSWORD, is_staff=True)
    staff.user_permissions.add(*Permission.objects.filter(codename="view_job"))
    client.force_login(staff)
    act(client, "cancel", lease.job)
    lease.job.refresh_from_db()
    assert not lease.job.cancel_requested


def test_what_was_said_is_shown_nowhere(admin: Client, transcript: Transcript) -> None:
    run_job(transcript.job_id)
    Transcript.objects.update(text=SAID, speakers=[SAID])
    TranscriptSegment.objects.update(text=SAID)
    Job.objects.update(options=Job.objects.get().options | {"prompt": SAID})
    pages = [
        *(f"{JOBS}{suffix}" for suffix in ("", f"{transcript.job_id}/change/", "?q=owner", "?state__exact=succeeded")),
        *(f"/admin/transcripts/transcript/{suffix}" for suffix in ("", f"{transcript.pk}/change/", "?q=xyzzy")),
        *(f"/admin/transcripts/media/{suffix}" for suffix in ("", f"{transcript.media_id}/change/")),
        "/admin/transcripts/upload/",
        "/admin/",
    ]
    for address in pages:
        answer = admin.get(address)
        assert answer.status_code == 200, address
        assert SAID not in answer.content.decode(), address


def test_a_job_says_its_state_owner_minutes_and_age(admin: Client, transcript: Transcript) -> None:
    run_job(transcript.job_id)
    html = admin.get(JOBS).content.decode()
    assert '<span class="state state--ok">succeeded</span>' in html
    assert "owner@example.org" in html
    assert '<td class="field-since">0 min</td>' in html
    assert storage.local_keys(2.0**40) == {transcript.media.key}
