"""The same path with nothing stood in for: real speech, the real decoder, the test model."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import engine_gateway, selectors, storage
from transcripts.models import Media, Playback
from transcripts.services import playback
from transcripts.services.run import run_job
from transcripts.services.submit import Order, StoredUpload, submit
from transcripts.services.wait import outcome, wait_for

pytestmark = pytest.mark.django_db
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
CLIP = FIXTURES / "clips" / "en-us-3.wav"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the place of the stand-in: an embedded engine on the test model."""
    monkeypatch.setenv("STT_MODEL", str(FIXTURES / "micro_whisper"))
    monkeypatch.setenv("STT_DEVICE", "cpu")
    monkeypatch.setattr(engine_gateway, "_engine", None)
    monkeypatch.setattr(engine_gateway, "_status", None)
    yield
    engine_gateway.engine().close()


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


def test_a_text_file_is_refused_and_gone(order: Callable[..., Order], upload: Callable[..., StoredUpload]) -> None:
    with pytest.raises(ServiceError) as caught:
        submit(order(upload=upload(name="song.mp3", body=b"no song at all" * 100)))
    assert caught.value.code is ErrorCode.UNSUPPORTED_MEDIA
    assert not list(storage.incoming_directory().iterdir())
