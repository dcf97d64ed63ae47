"""What a webhook is told when its job has ended: the direct answer, with the id that the request was given."""

from typing import Any
from uuid import NAMESPACE_OID, uuid5

from stt_site.lib.errors import ServiceError
from transcripts.api.dialects.jigsawstack.errors import JigsawRefusal
from transcripts.api.dialects.jigsawstack.request import Wish, parse
from transcripts.api.dialects.jigsawstack.response import of_row
from transcripts.models import Transcript
from transcripts.services.wait import outcome
from transcripts.services.webhooks import Callback

RENDERER = f"{__name__}.body"


def callback(wish: Wish, values: dict[str, str], log_id: str) -> Callback | None:
    """Raises URL_NOT_ALLOWED."""
    if not wish.webhook_url:
        return None
    uploaded = not (wish.url or wish.file_store_key)
    return Callback(wish.webhook_url, RENDERER, {"values": values, "uploaded": uploaded, "log_id": log_id})


def id_of(transcript: Transcript) -> str:
    """32 hexadecimal digits, the same whenever it is asked for."""
    return uuid5(NAMESPACE_OID, transcript.public_id).hex


def body(transcript: Transcript, context: dict[str, Any]) -> dict[str, Any]:
    log_id = context["log_id"]
    try:
        outcome(transcript.job)
    except ServiceError as error:
        error.request_id = log_id
        return {**JigsawRefusal().body(error), "status": "error", "id": id_of(transcript)}
    wish = parse(context["values"], has_file=context["uploaded"])
    return {**of_row(transcript, wish, log_id), "status": "success", "id": id_of(transcript)}
