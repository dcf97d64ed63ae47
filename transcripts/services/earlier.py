"""The same recording with the same wishes, sent again within a day: the transcript that is there answers, and costs
nothing. What is remembered is where the transcript is, so one that was deleted or edited answers nobody."""

import hashlib
import json

from django.core.cache import cache

from accounts.services.access import Caller
from engine.types import Options, to_dict
from transcripts.models import JobState, Transcript

KEPT_SECONDS = 24 * 3600


def find(caller: Caller, sha256: str, options: Options) -> Transcript | None:
    pk = cache.get(_name(caller, sha256, options))
    if pk is None:
        return None
    as_made = Transcript.objects.filter(edited_at=None, trashed_at=None, version=1, job__state=JobState.SUCCEEDED)
    return as_made.select_related("job", "media").filter(pk=pk, owner=caller.user).first()


def remember(caller: Caller, sha256: str, options: Options, transcript_id: int) -> None:
    cache.set(_name(caller, sha256, options), transcript_id, KEPT_SECONDS)


def _name(caller: Caller, sha256: str, options: Options) -> str:
    # What a test key was answered stands for no work that was paid.
    said = json.dumps([caller.key, caller.is_test, sha256, to_dict(options)], sort_keys=True)
    return f"earlier:{hashlib.sha256(said.encode()).hexdigest()}"
