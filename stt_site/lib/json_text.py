"""JSON from senders that nobody knows."""

import json
import re
from typing import Any

# An odd number of backslashes: otherwise the last one is a backslash of the text's own.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def parse_json(text: str | bytes | bytearray) -> Any:
    """Raises ValueError, also for what nothing behind it could store or send: NaN, a half of a character, U+0000, and
    what is nested too deeply to be written again."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
        written = json.dumps(value, ensure_ascii=False)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    written.encode()
    if _NUL.search(written):
        raise ValueError("it holds the character U+0000")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
