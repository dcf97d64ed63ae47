"""The same path with nothing stood in for: real speech, the real decoder, the test model."""

import json
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from accounts.models import User
from accounts.services import ledger
from accounts.services.audit import audit
from accounts.services.tariffs import STANDARD, Tariff, tariff_of
from engine.protocols import Engine
from engine.types import Keyword, Options
from stt_site.lib.errors import ErrorCode, ServiceError
from tests.engine.media import silent_flac
from transcripts import engine_gateway, incoming, selectors
from transcripts.models import Job, JobState, Media, Playback
from transcripts.services import playback
from transcripts.services.run import run_job
from transcripts.services.submit import Order, StoredUpload, submit
from transcripts.services.wait import outcome, wait_for

pytestmark = pytest.mark.django_db
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
CLIP = FIXTURES / "clips" / "en-us-3.wav"


@pytest.fixture(scope="module")
def embedded() -> Iterator[Engine]:
    """As the product makes it for itself, on the test model. One for all: its decoder's children start slowly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STT_MODEL", str(FIXTURES / "micro_whisper"))
        patch.setenv("STT_DEVICE", "cpu")
        patch.setattr(engine_gateway, "_engine", None)
        with closing(engine_gateway.engine()) as engine:
            yield engine


@pytest.fixture
def engine(embedded: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the place of the stand-in."""
    monkeypatch.setattr(engine_gateway, "engine", lambda: embedded)
    monkeypatch.setattr(engine_gateway, "_status", None)


def test_speech_becomes_its_words(order: Callable[..., Order], upload: Callable[..., StoredUpload]) -> None:
    golden = {clip["file"]: clip["text"] for clip in json.loads((FIXTURES / "clips" / "golden.json").read_text())}
    sent = upload(name="en-us-3.wav", body=CLIP.read_bytes())
    transcript = submit(order(upload=sent, options=Options(language="en")))
    run_job(transcript.job_id)
    outcome(wait_for(transcript.job_id, abandoned=threading.Event(), timeout=60))
    transcript.refresh_from_db()
    document = selectors.document(transcript)
    assert document.text == golden[CLIP.name]
    assert document.segments[0].words
    playback.make(transcript.media_id)
    media = Media.objects.get()
    assert media.playback == Playback.READY
    assert len(media.peaks) > 0


def test_how_it_was_heard_is_kept(order: Callable[..., Order], upload: Callable[..., StoredUpload]) -> None:
    options = Options(languages=("en", "es"), keywords=(Keyword("Koffee", 5),))
    transcript = submit(order(upload=upload(name="en-us-3.wav", body=CLIP.read_bytes()), options=options))
    run_job(transcript.job_id)
    transcript.refresh_from_db()
    document = selectors.document(transcript)
    assert "Where my Koffee Sunday" in document.text
    [boosted] = [word for segment in document.segments for word in segment.words if word.original]
    assert (boosted.text, boosted.original) == ("Koffee", "coffee")
    assert (document.language, document.language_source, document.detection.calls) == ("en", "detected", 1)
    assert [language for language, _ in document.detection.candidates] == ["en", "es"]
    assert document.snr_db is not None


def test_a_text_file_is_refused_and_gone(order: Callable[..., Order], upload: Callable[..., StoredUpload]) -> None:
    with pytest.raises(ServiceError) as caught:
        submit(order(upload=upload(name="song.mp3", body=b"no song at all" * 100)))
    assert caught.value.code is ErrorCode.UNSUPPORTED_MEDIA
    assert not list(incoming.directory().iterdir())


def flac_that_claims(claimed: int, seconds: int) -> bytes:
    """Silence at 8 kHz whose header states another length than its frames have."""
    body = bytearray(silent_flac(seconds))
    place = body.index(b"fLaC") + 8 + 10
    (field,) = struct.unpack_from(">Q", body, place)
    struct.pack_into(">Q", body, place, field >> 36 << 36 | claimed * 8000)
    return bytes(body)


def ran(order: Order) -> Job:
    job = submit(order).job
    run_job(job.pk)
    job.refresh_from_db()
    assert audit() == []
    return job


@pytest.mark.parametrize("seconds", [10, 60])
def test_a_body_longer_than_its_header_costs_at_most_what_was_held(
    order: Callable[..., Order], upload: Callable[..., StoredUpload], seconds: int
) -> None:
    job = ran(order(upload=upload("a.flac", flac_that_claims(10, seconds))))
    assert (job.state, job.reserved_mc, job.charged_mc) == (JobState.SUCCEEDED, 1000, 1000)


@pytest.mark.parametrize(("tariff", "seconds", "held_mc"), [(STANDARD, 90, 1000), (tariff_of("sixtydb"), 60, 167)])
def test_a_body_longer_than_what_was_held_is_refused_free_of_charge(
    order: Callable[..., Order],
    upload: Callable[..., StoredUpload],
    user: User,
    tariff: Tariff,
    seconds: int,
    held_mc: int,
) -> None:
    job = ran(order(tariff=tariff, upload=upload("a.flac", flac_that_claims(10, seconds))))
    assert (job.state, job.error_code) == (JobState.FAILED, ErrorCode.MEDIA_TOO_LONG)
    assert (job.reserved_mc, job.charged_mc) == (held_mc, 0)
    assert ledger.balance(user).held_mc == ledger.balance(user).used_this_month_mc == 0
    assert "longer than its header says" in job.error_message
