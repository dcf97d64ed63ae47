from collections.abc import Mapping, Sequence

from engine.types import Options
from transcripts.api.dialects.base import TranscriptionOrder

PARAMETERS = {"POST /sixth/hear": ("sound", "tongue")}


def parse(fields: Mapping[str, Sequence[str]]) -> TranscriptionOrder:
    return TranscriptionOrder(Options(language=fields.get("tongue", [""])[-1] or None), format="json", diarize=False)
