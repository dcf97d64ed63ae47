"""A form as OpenAI's clients write one: lists as `name[]`, objects as `name[key]` or as JSON in one field."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from stt_site.lib.errors import ServiceError
from transcripts.api.dialects.openai.errors import Invalid
from transcripts.api.fields import boolean


class Fields:
    """An empty value means that the field is absent."""

    def __init__(self, given: Mapping[str, Sequence[str]]) -> None:
        self._given = given

    def text(self, name: str) -> str:
        return self._given[name][-1].strip() if self._given.get(name) else ""

    def texts(self, name: str) -> list[str]:
        """`name[]`, `name[0]` and so on, or the bare name, as often as it comes."""
        keys = [key for key in self._given if key == name or (key.startswith(f"{name}[") and _is_list_key(key))]
        return [value.strip() for key in keys for value in self._given[key] if value.strip()]

    def object(self, name: str) -> dict[str, Any] | str:
        """What `name[key]` fields or JSON say; a word that is neither stays one; "" where there is nothing."""
        inner = {
            key[len(name) + 1 : -1]: values[-1].strip()
            for key, values in self._given.items()
            if key.startswith(f"{name}[") and key.endswith("]") and values
        }
        if inner:
            return inner
        word = self.text(name)
        if not word.startswith("{"):
            return word
        try:
            return dict(json.loads(word))
        except (ValueError, RecursionError) as error:
            raise Invalid(name, f"{name} is no JSON.", "invalid_value") from error

    def boolean(self, name: str) -> bool:
        try:
            return boolean(name, self.text(name), default=False)
        except ServiceError as error:
            raise Invalid(name, f"{name} must be true or false.", "invalid_type") from error


def number(name: str, value: Any, *, least: float, most: float = math.inf) -> float | None:
    """None where there is none. Raises Invalid outside of `least` to `most`."""
    if value in ("", None):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not least <= found <= most or math.isinf(found):
        bounds = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
        raise Invalid(name, f"{name} must be a number {bounds}, not {str(value)[:20]!r}.", "invalid_value")
    return found


def _is_list_key(key: str) -> bool:
    inside = key[key.index("[") + 1 :]
    return inside.endswith("]") and (inside == "]" or inside[:-1].isdecimal())
