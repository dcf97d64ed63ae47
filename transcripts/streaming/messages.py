"""What clients of every dialect send: text frames, sound in base64, and what stands in the address."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from stt_site.lib.json_text import parse_json
from transcripts.streaming.wish import wrong
from transcripts.uploads.asgi import Scope


def parsed(text: str) -> dict[str, Any]:
    """Raises INVALID_REQUEST for what is no JSON object."""
    try:
        data = parse_json(text)
    except ValueError as error:
        raise wrong(f"The message is not the JSON that it should be: {error}.") from error
    if not isinstance(data, dict):
        raise wrong("The message is not a JSON object.")
    return data


def sound_of(data: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(data.get("audio", ""), validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise wrong("audio is base64, and nothing of this message was heard.") from error


def query_of(scope: Scope) -> dict[str, str]:
    """The last value of each name."""
    return {name: values[-1] for name, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
