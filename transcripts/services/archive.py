"""All of an owner's data as one ZIP, made while it is sent: nothing of it is kept, in memory or on disk."""

import csv
import io
import itertools
import json
import re
from collections.abc import Generator, Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.core.files import File
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts.models import User
from accounts.services import export
from stt_site.lib.db import release_connection
from transcripts import selectors, storage
from transcripts.exports import registry
from transcripts.exports.base import Meta
from transcripts.models import ChatSession, JobState, StoredFile, Transcript
from transcripts.services import chat
from transcripts.services.editing import versions

BLOCK = 256 * 1024
FORMATS = ("json", "txt")
STEP = ("number", "kind", "created_at", "version__number", "target", "changes")
README = (
    "This is what the server has of your account: account.json, ledger.csv, a folder for each transcript, "
    "what you asked them (conversations), and, with "
    "the recordings, what your programs keep in the file store.\n"
)


class ZipStream:
    """Gives the bytes of what is added, as they come."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._file = ZipFile(self, "w")

    def write(self, block: bytes, /) -> int:
        """For ZipFile, whose file this is. It cannot be told to go back, so ZipFile never tries."""
        self._blocks.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def close(self) -> None:
        """`end` says when."""

    def add(self, name: str, blocks: Iterable[bytes], compression: int = ZIP_DEFLATED) -> Iterator[bytes]:
        about = ZipInfo(name, timezone.now().timetuple()[:6])
        about.compress_type = compression
        with self._file.open(about, "w", force_zip64=True) as target:
            for block in blocks:
                target.write(block)
                yield from self._taken()
        yield from self._taken()

    def end(self) -> Iterator[bytes]:
        self._file.close()
        yield from self._taken()

    def _taken(self) -> Iterator[bytes]:
        blocks, self._blocks = self._blocks, []
        yield from (block for block in blocks if block)


def archive(owner: User, *, recordings: bool) -> Generator[bytes]:
    """The ZIP's bytes, block by block. A recording that is not there is named in README.txt, which comes last."""
    file, missing = ZipStream(), list[str]()
    yield from file.add("account.json", [_json(export.account_data(owner))])
    yield from file.add("ledger.csv", _csv(export.LEDGER_COLUMNS, export.ledger_rows(owner)))
    for transcript in _transcripts(owner):
        folder = f"transcripts/{transcript.slug}"
        for name, body in _texts(transcript):
            yield from file.add(f"{folder}/{name}", [body])
        if recordings and not transcript.media.removed_at:
            name = f"{folder}/recording/{_file_name(transcript.media.filename)}"
            yield from _source(file, name, transcript.media.key, missing)
    if recordings:
        for stored in StoredFile.objects.filter(owner=owner).order_by("pk"):
            name = "/".join(["files", *map(_file_name, stored.key.split("/"))])
            yield from _source(file, name, stored.place, missing)
    for session in chat.sessions_of(owner).iterator(chunk_size=20):
        yield from file.add(f"conversations/{session.public_id}.json", [_conversation(session)])
    lost = "".join(f"Not there any more: {name}\n" for name in missing)
    yield from file.add("README.txt", [(README + lost).encode()])
    yield from file.end()


def _source(file: ZipStream, name: str, place: str, missing: list[str]) -> Iterator[bytes]:
    release_connection()
    try:
        source = storage.open_file(place, storage.SOURCE)
    except FileNotFoundError:
        missing.append(name)
        return
    yield from file.add(name, _blocks(source), ZIP_STORED)


def _blocks(source: "File[bytes]") -> Iterator[bytes]:
    with source:
        while block := source.read(BLOCK):
            yield block


def _conversation(session: ChatSession) -> bytes:
    turns = list(session.turns.values("question", "answer", "sources", "model", "created_at"))
    about = "all" if session.everything else [each.slug for each in session.transcripts.all()]
    return _json({"transcripts": about, "created": session.created_at, "turns": turns})


def _transcripts(owner: User) -> Iterator[Transcript]:
    mine = Transcript.objects.filter(owner=owner).select_related("job", "media").defer("media__peaks").order_by("pk")
    last = 0
    while transcript := mine.filter(pk__gt=last).first():
        yield transcript
        last = transcript.pk


def _texts(transcript: Transcript) -> Iterator[tuple[str, bytes]]:
    about = {
        "title": transcript.title,
        "status": selectors.status_of(transcript.job),
        "created": transcript.created_at,
        "file": transcript.media.filename,
        "sha256": transcript.media.sha256,
        "tags": list(transcript.tags.values_list("name", flat=True)),
        "thrown_away": transcript.trashed_at,
    }
    yield "about.json", _json(about)
    if transcript.job.state == JobState.SUCCEEDED:
        yield from _formats(transcript, "transcript", FORMATS)
        for number, other in versions.others(transcript):
            yield from _formats(other, f"version-{number}", FORMATS[:1])
    if edits := list(transcript.edits.order_by("number").values(*STEP)):
        yield "history.json", _json(edits)


def _formats(transcript: Transcript, stem: str, formats: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    meta = Meta(transcript.title, transcript.slug, transcript.created_at, transcript.model)
    whole = selectors.document(transcript)
    for name in formats:
        yield f"{stem}.{name}", registry.render(name, whole, meta).body


def _json(value: object) -> bytes:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2).encode() + b"\n"


def _csv(columns: Iterable[str], rows: Iterable[list[str]]) -> Iterator[bytes]:
    for row in itertools.chain([columns], rows):
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue().encode()


def _file_name(name: str) -> str:
    """Of the sender's choice, without what would leave the folder or be refused by a file system."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", name).strip(". ") or "recording"
