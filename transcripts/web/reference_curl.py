"""A command for each operation of the OpenAPI document that can be pasted into a shell."""

import json
import mimetypes
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]
Plain = Callable[[Schema], dict[str, Any]]
"""A schema without references."""
BASE = "{base}"
KEY = '-H "Authorization: Bearer $STT_API_KEY"'
RECORDING = "@meeting.mp3"
NAMED = {
    "file": RECORDING,
    "reference": RECORDING,
    "url": "https://example.org/steno",
    "model": "whisper-1",
    "ids": ["ID"],
    "title": "Weekly meeting",
    "name": "Office",
    "find": "colour",
    "replace": "color",
    "text": "Good morning.",
    "before": "Good morning.",
    "after": "Shall we begin?",
    "format": "srt",
}
"""What a field of this name holds in an example."""
TEXTS = {"uri": "https://example.org/meeting.mp3", "date-time": "2026-01-31T12:00:00Z", "date": "2026-01-31"}
READ_AS_IT_IS = ("application/json", "text/")


def command(method: str, path: str, operation: Schema, plain: Plain, *, keyed: bool) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    sent = _body(content, plain)
    usual = "post" if sent else "get"
    first = "curl" if method == usual else f"curl -X {method.upper()}"
    parts = [f"{first} {_address(path, operation.get('parameters', ()), plain)}"]
    parts += [KEY] if keyed else []
    return " \\\n  ".join([*parts, *sent, *_saved(operation["responses"])])


def _address(path: str, parameters: Iterable[Schema], plain: Plain) -> str:
    queries = []
    for each in parameters:
        choices = plain(each["schema"]).get("enum")
        if each["in"] == "path":
            path = path.replace(f"{{{each['name']}}}", str(choices[0]) if choices else _stand_in(each))
        elif each["in"] == "query" and each.get("required"):
            queries.append(f"{each['name']}={choices[0] if choices else _stand_in(each)}")
    address = BASE + path + ("?" + "&".join(queries) if queries else "")
    return address if not queries else f'"{address}"'


def _stand_in(parameter: Schema) -> str:
    return "1" if parameter["schema"].get("type") == "integer" else str(parameter["name"]).upper()


def _body(content: Schema, plain: Plain) -> list[str]:
    """JSON where it is taken; else a form; else the bytes themselves."""
    as_json = content.get("application/json")
    form = content.get("multipart/form-data")
    if as_json is not None:
        given = next(iter(as_json.get("examples", {}).values()), None)
        value = given["value"] if given else example(as_json["schema"], plain)
        return ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(value, ensure_ascii=False))}"]
    if form is not None:
        fields = example(form["schema"], plain)
        return [f"-F {shlex.quote(f'{name}={_text(value)}')}" for name, value in fields.items()]
    return [f"--data-binary {RECORDING}"] if content else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _saved(answers: Schema) -> list[str]:
    """An answer that is a file goes into one."""
    types = [name for status, answer in answers.items() if status < "300" for name in answer.get("content", {})]
    if not types or any(name.startswith(READ_AS_IT_IS) for name in types):
        return []
    kind = types[0].partition("/")[2]
    return [f"-o answer{mimetypes.guess_extension(types[0]) or (f'.{kind}' if kind.isalnum() else '')}"]


def example(schema: Schema, plain: Plain) -> Any:
    """What must be sent; where nothing must, the first that can be, a file before others."""
    value = plain(schema)
    for given in ("example", "default"):
        if value.get(given) not in (None, "", [], {}):
            return value[given]
    if choices := value.get("enum"):
        return choices[0]
    kind = value.get("type", "string")
    if kind == "array":
        return [example(value["items"], plain)]
    if kind == "object":
        return {name: _field(name, value["properties"][name], plain) for name in _worth_sending(value, plain)}
    if kind == "string":
        return RECORDING if value.get("format") == "binary" else TEXTS.get(value.get("format", ""), "text")
    return {"integer": value.get("minimum", 1), "number": value.get("minimum", 0.5), "boolean": True}.get(kind, "text")


def _field(name: str, schema: Schema, plain: Plain) -> Any:
    value, known = plain(schema), NAMED.get(name)
    fits = {"string": str, "array": list}.get(value.get("type", ""))
    return known if fits and isinstance(known, fits) and "enum" not in value else example(value, plain)


def _worth_sending(value: Schema, plain: Plain) -> list[str]:
    properties = value.get("properties", {})
    if required := value.get("required"):
        return [name for name in properties if name in required]
    files = [name for name in properties if plain(properties[name]).get("format") == "binary"]
    return (files or list(properties))[:1]
