from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from accounts.services.access import Caller
from accounts.services.plans import plan_of
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts.uploads.admission import Crowd

ONE = Caller(None, None, "192.0.2.1", plan_of(None))
ANOTHER = Caller(None, None, "192.0.2.2", plan_of(None))


@pytest.fixture(autouse=True)
def room(settings: Settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    settings.DISK_RESERVE_BYTES = 0
    settings.UPLOADS_AT_ONCE = 2


def test_one_caller_cannot_take_every_place() -> None:
    crowd = Crowd()
    with crowd.join(ONE, None), crowd.join(ONE, None):
        with pytest.raises(ServiceError) as caught, crowd.join(ONE, None):
            pass
        with crowd.join(ANOTHER, None):
            pass
    assert caught.value.code is ErrorCode.CONCURRENCY_LIMIT
    assert caught.value.retry_after
    with crowd.join(ONE, None):
        pass


def test_promised_bytes_count_until_their_upload_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("transcripts.incoming.room_for", asked.append)
    crowd = Crowd()
    with crowd.join(ONE, 100), crowd.join(ANOTHER, 50):
        pass
    with crowd.join(ONE, 7):
        pass
    assert asked == [100, 150, 7]
