"""Leaving: what is gone at once, what a crash leaves undone, and that nothing is left in the end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Entry, RequestLog, Reservation, User
from accounts.services import access, api_keys, audit, ledger, plans
from stt_site.lib.errors import ServiceError
from tests.accounts.test_second_factor import turn_on
from tests.conftest import PASSWORD
from tests.transcripts.conftest import Commits
from transcripts import storage
from transcripts.models import Job, JobState, Media, Origin, Transcript, TranscriptSegment, Upload
from transcripts.services import erase, index, sweep, uploads
from transcripts.services.run import run_job
from transcripts.services.submit import Order, StoredUpload, submit

pytestmark = pytest.mark.django_db
CANARY = "xyzzycanary"
ADDRESS = f"{CANARY}@example.com"
PAGE = "/account/delete/"
Make = Callable[[], Transcript]
RIGHT = {"email": ADDRESS, "password": PASSWORD}


@pytest.fixture
def owner(db: None) -> User:
    owner = User.objects.create_user(ADDRESS, PASSWORD, name=f"Carla {CANARY}")
    EmailAddress.objects.create(user=owner, email=ADDRESS, primary=True, verified=True)
    return owner


@pytest.fixture
def browser(owner: User) -> Client:
    browser = Client(headers={"Accept": "text/html", "User-Agent": f"Firefox/1 {CANARY}"})
    browser.force_login(owner)
    return browser


@pytest.fixture
def recording(owner: User, upload: Callable[..., StoredUpload], order: Callable[..., Order]) -> Make:
    def make() -> Transcript:
        caller = access.Caller(owner, None, "192.0.2.1", plans.plan_of(owner))
        sent = upload(f"{CANARY}.wav", CANARY.encode())
        return submit(order(caller=caller, upload=sent, origin=Origin.WEB, interactive=False))

    return make


def everything(directory: Path) -> Iterator[str]:
    """Every cell of every table and every byte of every file that speaks of the owner."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            yield from (f"{table}: {row}" for row in cursor.fetchall() if CANARY in str(row))
    for path in directory.rglob("*"):
        if path.is_file() and (CANARY in path.name or CANARY.encode() in path.read_bytes()):
            yield str(path)


def rows_of(owner_id: int) -> list[str]:
    """Tables whose foreign keys still name the owner, with or without a constraint."""
    return [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.fields
        if field.related_model is User and model._default_manager.filter(**{field.attname: owner_id}).exists()
    ]


def test_deleting_an_account_leaves_the_books_and_nothing_else(
    owner: User, browser: Client, recording: Make, commits: Commits, data_dir: Path, bob: User
) -> None:
    done, waiting = recording(), recording()
    run_job(done.job_id)
    TranscriptSegment.objects.update(text=CANARY, words=[{"text": CANARY}])
    Transcript.objects.filter(pk=done.pk).update(text=CANARY)
    index.make(done.pk)
    _, plaintext = api_keys.create_key(owner, f"Laptop {CANARY}")
    uploads.create(owner, f"{CANARY}-rest.wav", 10, 100)
    storage.incoming_path(Upload.objects.get().key).write_bytes(CANARY.encode())
    turn_on(browser)
    line = {"method": "GET", "endpoint": "/api/v1/account/", "status": 200, "request_id": "1", "duration_ms": 1}
    RequestLog.objects.create(user=owner, at=timezone.now(), **line)
    log = {"content_type": ContentType.objects.get_for_model(User), "object_id": owner.pk, "action_flag": CHANGE}
    LogEntry.objects.create(user=bob, object_repr=ADDRESS, change_message=f"Mailed {ADDRESS}", **log)
    assert len(list(everything(data_dir))) > 10
    assert len(rows_of(owner.pk)) > 8
    used = ledger.balance(owner).used_this_month_mc

    page = browser.get(PAGE).content.decode()
    assert "2 transcripts" in page
    assert "1 that is still running is cancelled" in page
    assert "1 API key:" in page
    with commits(execute=True):
        assert b"Your account is closed" in browser.post(PAGE, RIGHT).content
    assert mail.outbox[-1].to == [ADDRESS]
    # At once:
    assert api_keys.find(plaintext) is None
    assert browser.get("/account/").status_code == 302
    assert Client().post("/accounts/login/", {"login": ADDRESS, "password": PASSWORD}).status_code == 200
    assert Reservation.objects.get(reference=f"job:{waiting.job_id}").state == Reservation.State.RELEASED
    # And when the worker has been there:
    sweep.clean()
    assert list(everything(data_dir)) == []
    assert not User.objects.filter(pk=owner.pk).exists()
    assert rows_of(owner.pk) == []
    assert used == sum(Reservation.objects.filter(owner_id=owner.pk).values_list("charged_mc", flat=True)) > 0
    assert Entry.objects.filter(owner_id=owner.pk).exists()
    assert audit.audit() == []
    call_command("check_ledger")
    assert User.objects.filter(pk=bob.pk).exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"email": "somebody@example.com"}, "That is not the address of this account. Nothing was deleted."),
        ({"password": "wrong"}, "That is not your password. Nothing was deleted."),
        ({"email": "", "password": ""}, "This field is required."),
    ],
)
def test_it_takes_the_address_and_the_password(
    owner: User, browser: Client, recording: Make, change: dict[str, str], sentence: str
) -> None:
    recording()
    answer = browser.post(PAGE, RIGHT | change)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert PASSWORD not in answer.content.decode()
    owner.refresh_from_db()
    assert owner.is_active
    assert Transcript.objects.count() == 1


def test_guessing_the_password_there_is_stopped(browser: Client, owner: User) -> None:
    for _ in range(5):
        browser.post(PAGE, RIGHT | {"password": "wrong"})
    assert "Too many wrong passwords. Try again in" in browser.post(PAGE, RIGHT).content.decode()
    owner.refresh_from_db()
    assert owner.is_active


def test_the_only_administrator_stays(browser: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_superuser=True, is_staff=True)
    assert "You are the only administrator." in browser.post(PAGE, RIGHT).content.decode()
    User.objects.create_superuser("second@example.com", PASSWORD)
    assert browser.post(PAGE, RIGHT).status_code == 200


def test_the_address_is_free_at_once(browser: Client) -> None:
    browser.post(PAGE, RIGHT)
    assert Client().post("/accounts/signup/", {"email": ADDRESS, "password1": PASSWORD}).status_code == 302
    assert User.objects.filter(email=ADDRESS, is_active=True).count() == 1


def test_a_crash_half_way_is_finished_by_the_sweeper(
    owner: User,
    recording: Make,
    commits: Commits,
    data_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with commits(execute=True):
        for _ in range(3):
            recording()
        erase.begin(owner)
    delete, deleted = storage.delete, list[str]()

    def delete_until_the_second(key: str) -> None:
        if len(deleted) == 1:
            raise OSError("the storage does not answer")
        deleted.append(key)
        delete(key)

    monkeypatch.setattr(storage, "delete", delete_until_the_second)
    sweep.clean()
    assert Media.objects.count() == 2
    assert User.objects.filter(pk=owner.pk, is_active=False).exists()
    # What there is a row of is still there, and what is gone has no row.
    assert storage.local_keys(2.0**40) == set(Media.objects.values_list("key", flat=True))
    monkeypatch.setattr(storage, "delete", delete)
    sweep.clean()
    assert list(everything(data_dir)) == []
    assert not User.objects.filter(pk=owner.pk).exists()


def test_work_that_comes_in_meanwhile_is_refused(owner: User, recording: Make) -> None:
    erase.begin(owner)
    with pytest.raises(ServiceError, match="closed or suspended"):
        recording()
    assert not Job.objects.exists()
    assert storage.local_keys(2.0**40) == set()


def test_a_worker_that_was_at_it_stops(
    owner: User, recording: Make, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    from transcripts.services import leases

    made = recording()
    lease = leases.claim(made.job_id)
    assert lease
    erase.begin(owner)
    assert Job.objects.get().state == JobState.CANCELLED
    with pytest.raises(leases.LeaseLost):
        leases.check(lease)
    erase.erase(owner.pk)
    with pytest.raises(leases.LeaseLost):
        leases.renew(lease, "transcribing", 0, None)
    assert list(everything(data_dir)) == []


def test_only_a_closed_account_is_erased(owner: User, recording: Make) -> None:
    recording()
    erase.erase(owner.pk)
    assert Transcript.objects.count() == 1
    assert User.objects.filter(pk=owner.pk).exists()
