"""The bundled recording and its transcript, for the landing page and for an empty list.

Two synthetic voices read it; static/samples/README.md says how it was made.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage

from engine.types import Transcript, transcript_from_dict
from transcripts.exports.base import Meta
from transcripts.exports.registry import preview
from transcripts.web.present import Turn, turns


@dataclass(frozen=True)
class Sample:
    transcript: Transcript
    turns: list[Turn]
    subtitles: str

    @property
    def audio(self) -> str:
        return staticfiles_storage.url("samples/sample.mp3")

    @property
    def peaks(self) -> str:
        return staticfiles_storage.url("samples/peaks.bin")


@cache
def sample() -> Sample:
    path = settings.BASE_DIR / "static" / "samples" / "sample.json"
    transcript = transcript_from_dict(json.loads(path.read_text()))
    meta = Meta("Sample", "sample", datetime.fromtimestamp(0, UTC), transcript.model)
    return Sample(
        transcript, turns(transcript.segments, speakers=transcript.speakers), preview("srt", transcript, meta, lines=9)
    )
