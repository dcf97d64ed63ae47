"""What an endpoint is told: the envelope of Standard Webhooks around what GET /api/v1/transcripts/{id}/ answers."""

import json
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from transcripts.api.serializers import Detail, Item
from transcripts.models import JobState, Transcript
from transcripts.services.webhooks import EVENT_OF, TEST

MOST_CHARACTERS = 256 * 1024
"""Beyond, the message says what is ready, and the text is fetched from its `url`."""


def event(transcript: Transcript, context: dict[str, Any]) -> dict[str, Any]:
    data = dict(Detail(transcript).data)
    if len(json.dumps(data, cls=DjangoJSONEncoder)) > MOST_CHARACTERS:
        data = dict(Item(transcript).data)
    data["url"] = f"{settings.SITE_URL}/api/v1/transcripts/{transcript.pk}/"
    return {"type": EVENT_OF[JobState(transcript.job.state)], "timestamp": transcript.job.finished_at, "data": data}


def test(transcript: None, context: dict[str, Any]) -> dict[str, Any]:
    return {"type": TEST, "timestamp": timezone.now(), "data": {"message": "Your webhook works."}}
