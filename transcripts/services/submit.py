"""The front door for work: a file and what is wanted of it become a job, or a refusal that leaves nothing behind."""

import math
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
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
from engine.types import KnownSpeaker, MediaInfo, Options, to_dict
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from stt_site.lib.queue import ring
from transcripts import engine_gateway, incoming, storage
from transcripts.models import Job, Media, Origin, Transcript, Upload
from transcripts.services import webhooks
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
    probing: Future[MediaInfo] | None = field(default=None, compare=False)
    """Where the file was given to the engine as soon as it was here, while its request went on."""

    def info(self) -> MediaInfo:
        """Raises ServiceError for what is no recording."""
        return engine_gateway.probe(self.path) if self.probing is None else self.probing.result()


@dataclass(frozen=True, slots=True)
class Order:
    """`interactive`: the caller waits for the answer, so it takes one of the plan's places."""

    caller: Caller
    upload: StoredUpload
    options: Options
    interactive: bool
    origin: Origin = Origin.API
    title: str = ""
    ticket: Ticket | None = None
    tariff: Tariff = STANDARD
    webhook: webhooks.Callback | None = None
    max_seconds: float | None = None
    """The longest recording that the caller's API takes, where it is less than the server does."""
    voices: tuple[tuple[str, Path], ...] = ()
    """Names of known speakers with private files of their voices, which `submit` takes as it takes the upload."""


def check(options: Options) -> None:
    """What `submit` would refuse before it looks at the file: asked first, a mistake does not cost an upload."""
    engine_gateway.checked(options)


def submit(order: Order) -> Transcript:
    """The transcript's `job` is queued when this returns. Raises ServiceError; then nothing is stored or held."""
    key = new_id(22)
    try:
        options = engine_gateway.checked(order.options)
        info = order.upload.info()
        _check_length(info, order)
        incoming.room_for(0)
        storage.store(key, storage.SOURCE, order.upload.path)
        return _accept(order, replace(options, known_speakers=_stored_voices(order, key)), info, key)
    except BaseException:
        for _, voice in order.voices:
            voice.unlink(missing_ok=True)
        if order.upload.path.exists():
            order.upload.path.unlink()
        else:
            storage.delete(key)
        raise


def _stored_voices(order: Order, key: str) -> tuple[KnownSpeaker, ...]:
    """`clip` is a name in the storage, which the worker makes a path of."""
    known = []
    for name, (speaker, path) in zip(storage.VOICES, order.voices, strict=False):
        storage.store(key, name, path)
        known.append(KnownSpeaker(speaker, name))
    return tuple(known)


def _longest(order: Order) -> float:
    most = float(settings.MAX_AUDIO_SECONDS)
    return most if order.max_seconds is None else min(most, order.max_seconds)


def _check_length(info: MediaInfo, order: Order) -> None:
    if order.caller.is_test and (info.duration or 0) > settings.TEST_KEY_SECONDS:
        message = (
            f"The audio is longer than {settings.TEST_KEY_SECONDS} s, the most that a test key takes. Nothing was "
            "charged; send a shorter recording, or a live key."
        )
        raise ServiceError(ErrorCode.MEDIA_TOO_LONG, message)
    if info.duration is not None and info.duration > _longest(order):
        most = _longest(order)
        limit = f"{most / 3600:g} hours" if most >= 3600 else f"{most:g} seconds"
        message = f"The audio is longer than {limit}, the most allowed at once. Nothing was charged."
        raise ServiceError(ErrorCode.MEDIA_TOO_LONG, message)


@transaction.atomic
def _accept(order: Order, options: Options, info: MediaInfo, key: str) -> Transcript:
    if order.caller.user is not None:
        access.demand_open(order.caller.user)
    media = _create_media(order, info, key)
    job = _create_job(order, options, info, media)
    transcript = _create_transcript(order, media, job, timezone.now())
    if order.webhook is not None:
        webhooks.expect(order.webhook, transcript)
    idempotency.claim(order.ticket, transcript.reference)
    _use_up(order.upload.resumable)
    _pay(order, job, transcript.public_id)
    ring(RUN_JOB, job.pk)
    if order.origin == Origin.WEB:
        ring(MAKE_PLAYBACK, media.pk)
    return transcript


@transaction.atomic
def submit_again(caller: Caller, transcript: Transcript, options: Options) -> Job:
    """A further job over a recording that is there, queued when this returns. Raises as `submit`."""
    media, options = transcript.media, engine_gateway.checked(options)
    if caller.user is not None:
        access.demand_open(caller.user)
    upload = StoredUpload(Path(), media.filename, media.size, media.sha256)
    origin = Origin.WEB if caller.api_key_id is None else Origin.API
    order = Order(caller, upload, options, interactive=False, origin=origin)
    # What decoding found is no guess any more.
    length, container = (media.duration_ms, "") if media.duration_ms else (media.declared_ms, media.format)
    info = MediaInfo(container, "", None if length is None else length / 1000, 0, 0, media.has_video)
    _check_length(info, order)
    job = _create_job(order, options, info, media)
    _pay(order, job, transcript.public_id)
    ring(RUN_JOB, job.pk)
    return job


def _create_job(order: Order, options: Options, info: MediaInfo, media: Media) -> Job:
    caller = order.caller
    covered, held = _cover(order, info)
    options = replace(options, max_seconds=covered, priority="interactive" if order.interactive else "bulk")
    return Job.objects.create(
        owner=caller.user,
        caller=caller.key,
        media=media,
        origin=order.origin,
        interactive=order.interactive,
        options=to_dict(options),
        tariff=to_dict(order.tariff),
        total_ms=media.declared_ms,
        not_before=timezone.now(),
        reserved_mc=held,
    )


def _pay(order: Order, job: Job, paid_for: str) -> None:
    """The place, the day's count or the credits that the job takes. `paid_for` is the transcript's public id."""
    caller = order.caller
    if order.interactive:
        limits.take_slot(caller, slot(job.pk))
    if caller.user is None:
        limits.count_daily(caller)
    elif caller.is_test:
        limits.count_test(caller)
    else:
        work = Work(order.origin, caller.api_key_id, paid_for)
        ledger.reserve(caller.user, slot(job.pk), job.reserved_mc, work)
        key_caps.require(caller)


def _use_up(upload_key: str) -> None:
    if not upload_key:
        return
    if not Upload.objects.filter(key=upload_key).delete()[0]:
        raise ServiceError(ErrorCode.CONFLICT, "The upload has already been used.")
    transaction.on_commit(lambda: storage.incoming_path(upload_key).unlink(missing_ok=True))


def _cover(order: Order, info: MediaInfo) -> tuple[float, int]:
    """How many seconds may be decoded, and the millicredits that have to be held for them."""
    user, longest = order.caller.user, _longest(order)
    if user is None:
        return longest, 0
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
    return min(longest, decodable), tariff.price_mc(covered_ms)


def _length_ms(order: Order, info: MediaInfo) -> int:
    """The length to hold for: what is declared; more where that is a guess or missing."""
    if info.duration is None:
        seconds = order.upload.size / LOWEST_BYTES_PER_SECOND
    elif info.format in ESTIMATED_FORMATS:
        seconds = info.duration * 1.1 + 60
    else:
        seconds = info.duration
    return math.ceil(min(seconds, _longest(order)) * 1000) or 1


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
    public_id, slug = named(title)
    return Transcript.objects.create(
        public_id=public_id,
        slug=slug,
        owner=order.caller.user,
        view_token=token_urlsafe(32) if anonymous and order.origin == Origin.WEB else "",
        media=media,
        job=job,
        title=title,
        expires_at=now + timedelta(hours=settings.ANONYMOUS_RETENTION_HOURS) if passing else None,
    )


def named(title: str) -> tuple[str, str]:
    """A new transcript's public id and its place in an address."""
    slug = "-".join(part for part in (slugify(title)[:60].strip("-"), new_id(8).lower()) if part)
    return f"tr_{new_id()}", slug


def _printable(name: str) -> str:
    """Without what could break a line, a header or a database out of its place."""
    return " ".join("".join(character if character.isprintable() else " " for character in name).split())
