"""Stripe's form encoding: `line_items[0][price]=p` becomes {"line_items": [{"price": "p"}]}. Leaves are strings."""

import re
from typing import Any
from urllib.parse import parse_qsl


def decode(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        _put(found, re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name), value)
    return {name: _listed(value) for name, value in found.items()}


def _put(target: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        target = target.setdefault(part, {})
    last = path[-1] or str(len(target))
    target[last] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(each) for name, each in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner
