"""The configuration message of WS /v1/stream. Unknown keys are ignored and named in the answer."""

from collections.abc import Callable, Mapping
from typing import Any

from transcripts.streaming import audience
from transcripts.streaming.audio import WIDTHS
from transcripts.streaming.wish import PROFILES, Wish, wrong

MOST_TERMS = 100
LONGEST_TEXT = 2000
MOST_LANGUAGES = 5
ROOM_LETTERS = (22, 64)
"""At least 128 bits, where it is random."""
RATES = (8_000, 48_000)
ELSEWHERE = frozenset({"type", "action", "resume", "last_seq", "metadata", "token", "stream_linger", "diarize"})
"""Keys that are read by others, or that mean nothing here and harm nobody."""


def parse(data: Mapping[str, Any], before: Wish | None = None) -> tuple[Wish, list[str]]:
    """The wish, and the names of keys that mean nothing. `before`: what holds where nothing is said. Raises
    INVALID_REQUEST."""
    fields: dict[str, Any] = {}
    profile = data.get("profile", "caption")
    if "profile" in data or before is None:
        if profile not in list(PROFILES):
            raise wrong(f"profile is one of {', '.join(PROFILES)}.")
        fields["endpoint_ms"], fields["max_endpoint_ms"] = PROFILES[profile]
    for name, value in data.items():
        if name in READERS and value is not None:
            fields |= READERS[name](name, value)
    if fields.get("endpoint_ms", 0) > fields.get("max_endpoint_ms", 3000):
        fields["max_endpoint_ms"] = fields["endpoint_ms"]
    base = before.as_dict() if before else {}
    ignored = [name for name in data if name not in READERS and name not in ELSEWHERE and name != "profile"]
    return Wish.from_dict({**base, **fields}), ignored


def _boolean(name: str, value: Any) -> dict[str, Any]:
    if value in (True, "true", "1"):
        return {name: True}
    if value in (False, "false", "0"):
        return {name: False}
    raise wrong(f"{name} is true or false.")


def _number(low: int, high: int) -> "Reader":
    def read(name: str, value: Any) -> dict[str, Any]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise wrong(f"{name} is a number from {low} to {high}.")
        return {name: int(value)}

    return read


def _text(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise wrong(f"{name} is a short text.")
    return {name: value}


def _room(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, str) or not ROOM_LETTERS[0] <= len(value) <= ROOM_LETTERS[1] or not value.isascii():
        raise wrong(f"room is a secret of {ROOM_LETTERS[0]} to {ROOM_LETTERS[1]} letters and digits.")
    return {"view": audience.view_token(value)}


def _language(name: str, value: Any) -> dict[str, Any]:
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) and 0 < len(one) <= 32 for one in values) or len(values) > MOST_LANGUAGES:
        raise wrong(f"language is a code, auto, or a list of at most {MOST_LANGUAGES} codes.")
    codes = tuple(one for one in values if one != "auto")
    if len(codes) == 1 and not isinstance(value, list):
        return {"language": codes[0], "languages": ()}
    return {"language": None, "languages": codes}


def _context(name: str, value: Any) -> dict[str, Any]:
    """{"general": [{"key", "value"}], "text", "terms": []}"""
    if not isinstance(value, dict):
        raise wrong("context is an object with general, text or terms.")
    terms = value.get("terms") or []
    if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms) or len(terms) > MOST_TERMS:
        raise wrong(f"context.terms is a list of at most {MOST_TERMS} texts.")
    general = value.get("general") or []
    if not isinstance(general, list) or not all(isinstance(pair, dict) for pair in general):
        raise wrong("context.general is a list of objects with key and value.")
    text = value.get("text") or ""
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        raise wrong(f"context.text is a text of at most {LONGEST_TEXT} characters.")
    pairs = [(str(pair.get("key", ""))[:200], str(pair.get("value", ""))[:LONGEST_TEXT]) for pair in general]
    return {
        "terms": tuple(term.strip()[:200] for term in terms if term.strip()),
        "context": (*pairs, *([("", text)] if text else [])),
    }


def _encoding(name: str, value: Any) -> dict[str, Any]:
    if value not in list(WIDTHS):
        raise wrong(f"encoding is one of {', '.join(WIDTHS)}.")
    return {name: value}


Reader = Callable[[str, Any], dict[str, Any]]
READERS: dict[str, Reader] = {
    "model": _text,
    "language": _language,
    "endpoint_ms": _number(160, 2000),
    "max_endpoint_ms": _number(160, 3000),
    "partials": _boolean,
    "partial_interval_ms": _number(200, 5000),
    "words": _boolean,
    "refine": _boolean,
    "acks": _boolean,
    "save": _boolean,
    "save_audio": _boolean,
    "context": _context,
    "encoding": _encoding,
    "sample_rate": _number(*RATES),
    "channels": _number(1, 8),
    "room": _room,
}
