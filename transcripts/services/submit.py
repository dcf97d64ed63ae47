"""The front door for work: a file and what is wanted of it become a job, or a refusal that leaves nothing behind."""

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePath
from secrets import token_urlsafe

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts.services import access, idempotency, key_caps, ledger, limits
from accounts.services.access import Caller
from accounts.services.idempotency import Ticket
from accounts.services.ledger import Work
from accounts.services.tariffs import STANDARD, Tariff
from engine.types import MediaInfo, Options, to_dict
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from stt_site.lib.queue import ring
from transcripts import engine_gateway, storage
from transcripts.models import Job, Media, Origin, Transcript, Upload
from transcripts.services.leases import RUN_JOB, slot
from transcripts.services.playback import MAKE_PLAYBACK

ESTIMATED_FORMATS = {"mp3", "aac"}
"""Their headers carry no duration: what a demuxer says is a guess from the bit rate."""
LOWEST_BYTES_PER_SECOND = 750
"""6 kbit/s, about the least that carries speech; bounds the length of a file that declares none."""
HEADROOM_SECONDS = 1.0
"""Decoded beyond what is held for and never charged: codecs add a little to the length that their header declares."""


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """A private file in DATA_DIR/incoming. `submit` moves it into the storage, or deletes it on refusal."""

    path: Path
    filename: str
    size: int
    sha256: str
    resumable: str = ""
    """The key of the resumable upload that `path` is a second name of: used up when, and only when, it is accepted."""


@dataclass(frozen=True, slots=True)
class Order:
    """`interactive`: the caller waits for the answer, so it takes one of the plan's places."""

    caller: Caller
    upload: StoredUpload
    options: Options
    origin: Origin
    interactive: bool
    title: str = ""
    ticket: Ticket | None = None
    tariff: Tariff = STANDARD


def check(options: Options) -> None:
    """What `submit` would refuse before it looks at the file: asked first, a mistake does not cost an upload."""
    engine_gateway.checked(options)


def submit(order: Order) -> Transcript:
    """The transcript's `job` is queued when this returns. Raises ServiceError; then nothing is stored or held."""
    key = new_id(22)
    try:
        options = engine_gateway.checked(order.options)
        info = engine_gateway.probe(order.upload.path)
        _check_length(info, order.caller)
        storage.ensure_space(0)
        storage.store(key, storage.SOURCE, order.upload.path)
        return _accept(order, options, info, key)
    except BaseException:
        if order.upload.path.exists():
            order.upload.path.unlink()
        else:
            storage.delete(key)
        raise


def _check_length(info: MediaInfo, caller: Caller) -> None:
    if caller.is_test and (info.duration or 0) > settings.TEST_KEY_SECONDS:
        message = (
            f"The audio is longer than {settings.TEST_KEY_SECONDS} s, the most that a test key takes. Nothing was "
            "charged; send a shorter recording, or a live key."
        )
        raise ServiceError(ErrorCode.MEDIA_TOO_LONG, message)
    if info.duration is not None and info.duration > settings.MAX_AUDIO_SECONDS:
        hours = settings.MAX_AUDIO_SECONDS / 3600
        message = f"The audio is longer than {hours:g} hours, the most allowed at once. Nothing was charged."
        raise ServiceError(ErrorCode.MEDIA_TOO_LONG, message)


@transaction.atomic
def _accept(order: Order, options: Options, info: MediaInfo, key: str) -> Transcript:
    caller, now = order.caller, timezone.now()
    if caller.user is not None:
        access.demand_open(caller.user)
    media = _create_media(order, info, key)
    covered, held = _cover(order, info)
    options = replace(options, max_seconds=covered, priority="interactive" if order.interactive else "bulk")
    job = Job.objects.create(
        owner=caller.user,
        caller=caller.key,
        media=media,
        origin=order.origin,
        interactive=order.interactive,
        options=to_dict(options),
        tariff=to_dict(order.tariff),
        total_ms=media.declared_ms,
        not_before=now,
        reserved_mc=held,
    )
    transcript = _create_transcript(order, media, job, now)
    idempotency.claim(order.ticket, transcript.reference)
    _use_up(order.upload.resumable)
    if order.interactive:
        limits.take_slot(caller, slot(job.pk))
    if caller.user is None:
        limits.count_daily(caller)
    elif caller.is_test:
        limits.count_test(caller)
    else:
        work = Work(order.origin, caller.api_key_id, transcript.public_id)
        ledger.reserve(caller.user, slot(job.pk), held, work)
        key_caps.require(caller)
    ring(RUN_JOB, job.pk)
    if order.origin == Origin.WEB:
        ring(MAKE_PLAYBACK, media.pk)
    return transcript


def _use_up(upload_key: str) -> None:
    if not upload_key:
        return
    if not Upload.objects.filter(key=upload_key).delete()[0]:
        raise ServiceError(ErrorCode.CONFLICT, "The upload has already been used.")
    transaction.on_commit(lambda: storage.incoming_path(upload_key).unlink(missing_ok=True))


def _cover(order: Order, info: MediaInfo) -> tuple[float, int]:
    """How many seconds may be decoded, and the millicredits that have to be held for them."""
    user = order.caller.user
    if user is None:
        return float(settings.MAX_AUDIO_SECONDS), 0
    if order.caller.is_test:
        return float(settings.TEST_KEY_SECONDS), 0
    tariff, available = order.tariff, ledger.available_mc(user)
    needed = tariff.price_mc(math.ceil((info.duration or 0) * 1000) or 1)
    if (left := key_caps.left_mc(order.caller)) is not None:
        if left < needed:
            raise key_caps.refusal()
        available = min(available, left)
    if available < needed:
        # The ledger's own refusal, in its words: it alone knows what the balance really is.
        return 0.0, needed
    covered_ms = tariff.billable_ms(min(_length_ms(order, info), tariff.affordable_ms(available)))
    decodable = covered_ms / 1000 + HEADROOM_SECONDS
    return min(float(settings.MAX_AUDIO_SECONDS), decodable), tariff.price_mc(covered_ms)


def _length_ms(order: Order, info: MediaInfo) -> int:
    """The length to hold for: what is declared; more where that is a guess or missing."""
    if info.duration is None:
        seconds = order.upload.size / LOWEST_BYTES_PER_SECOND
    elif info.format in ESTIMATED_FORMATS:
        seconds = info.duration * 1.1 + 60
    else:
        seconds = info.duration
    return math.ceil(min(seconds, settings.MAX_AUDIO_SECONDS) * 1000) or 1


def _create_media(order: Order, info: MediaInfo, key: str) -> Media:
    upload = order.upload
    return Media.objects.create(
        key=key,
        owner=order.caller.user,
        filename=_printable(upload.filename)[:255],
        size=upload.size,
        sha256=upload.sha256,
        format=info.format[:64],
        has_video=info.has_video,
        declared_ms=None if info.duration is None else math.ceil(info.duration * 1000),
    )


def _create_transcript(order: Order, media: Media, job: Job, now: datetime) -> Transcript:
    anonymous = order.caller.user is None
    passing = anonymous or order.caller.is_test
    title = (_printable(order.title) or PurePath(_printable(order.upload.filename)).stem or "Recording")[:200]
    return Transcript.objects.create(
        public_id=f"tr_{new_id()}",
        slug="-".join(part for part in (slugify(title)[:60].strip("-"), new_id(8).lower()) if part),
        owner=order.caller.user,
        view_token=token_urlsafe(32) if anonymous and order.origin == Origin.WEB else "",
        media=media,
        job=job,
        title=title,
        expires_at=now + timedelta(hours=settings.ANONYMOUS_RETENTION_HOURS) if passing else None,
    )


def _printable(name: str) -> str:
    """Without what could break a line, a header or a database out of its place."""
    return " ".join("".join(character if character.isprintable() else " " for character in name).split())
