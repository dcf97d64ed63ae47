"""The reference pages of the API, from its OpenAPI document: a page a tag, a section an operation."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.text import slugify
from drf_spectacular.generators import SchemaGenerator

from transcripts.web.reference_curl import command

METHODS = ("get", "post", "put", "patch", "delete")
DEEPEST = 5
"""Fields within fields that are listed."""
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "boolean", "object": "object"}
FORMATS = {"binary": "file", "uri": "URL", "date-time": "time", "date": "day", "uuid": "UUID"}

Schema = Mapping[str, Any]


class Field(NamedTuple):
    name: str
    kind: str
    required: bool
    meaning: str


class Body(NamedTuple):
    types: tuple[str, ...]
    fields: tuple[Field, ...]


class Answer(NamedTuple):
    status: str
    meaning: str
    bodies: tuple[Body, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    id: str
    method: str
    path: str
    title: str
    about: str
    access: str
    parameters: tuple[tuple[str, tuple[Field, ...]], ...]
    """Where they stand, and which."""
    bodies: tuple[Body, ...]
    answers: tuple[Answer, ...]
    refusals: tuple[Answer, ...]
    refusal: tuple[Field, ...]
    """The body of any refusal."""
    curl: str
    """With `{base}` for the server's address."""


@dataclass(frozen=True, slots=True)
class Page:
    slug: str
    title: str
    about: str
    operations: tuple[Operation, ...]


def pages() -> dict[str, Page]:
    """By slug, in the order of the document."""
    return _pages(settings.ROOT_URLCONF)


@cache
def _pages(urlconf: str) -> dict[str, Page]:
    generator = SchemaGenerator(urlconf=urlconf)  # type: ignore[no-untyped-call]
    document: Schema = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    reader = Reader(document)
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method in (each for each in METHODS if each in operations):
            operation = operations[method]
            found[operation["tags"][0]].append(reader.operation(method, path, operation))
    abouts = {tag["name"]: tag["description"] for tag in document["tags"]}
    titled = {slugify(name.replace(".", " ")): name for name in found if found[name]}
    return {slug: Page(slug, name, abouts[name], tuple(found[name])) for slug, name in titled.items()}


class Reader:
    def __init__(self, document: Schema) -> None:
        self._schemas: Schema = document["components"]["schemas"]

    def operation(self, method: str, path: str, given: Schema) -> Operation:
        answers = [self._answer(status, answer) for status, answer in sorted(given["responses"].items())]
        refused = [answer for answer in answers if answer.status >= "400"]
        security = given.get("security", ())
        return Operation(
            id=given["operationId"],
            method=method.upper(),
            path=path,
            title=given.get("summary", path),
            about=given.get("description", ""),
            access=_access(security),
            parameters=tuple(self._parameters(given.get("parameters", ()))),
            bodies=self._bodies(given.get("requestBody", {}).get("content", {})),
            answers=tuple(answer for answer in answers if answer.status < "400"),
            refusals=tuple(refused),
            refusal=next((body.fields for answer in refused for body in answer.bodies), ()),
            curl=command(method, path, given, self.plain, keyed=any(security)),
        )

    def plain(self, schema: Schema) -> dict[str, Any]:
        """Without references: what stands beside one, such as a description, wins."""
        own = dict(schema)
        parts = own.pop("allOf", None) or own.pop("oneOf", None) or []
        if "$ref" in own:
            parts = [self._schemas[own.pop("$ref").rpartition("/")[2]]]
        merged: dict[str, Any] = {}
        for part in parts:
            each = self.plain(part)
            values = [*merged.get("enum", ()), *each.get("enum", ())]
            merged |= each | ({"enum": values} if values else {})
        return merged | own

    def _parameters(self, given: Iterable[Schema]) -> Iterator[tuple[str, tuple[Field, ...]]]:
        for place in ("path", "query", "header"):
            here = [each for each in given if each["in"] == place]
            fields = [self._field(each["name"], {**each["schema"], **_described(each)}, _needed(each)) for each in here]
            if fields:
                yield place, tuple(fields)

    def _bodies(self, content: Schema) -> tuple[Body, ...]:
        """Content types that take the same fields are one."""
        types: dict[tuple[Field, ...], list[str]] = {}
        for media_type, each in content.items():
            types.setdefault(tuple(self._fields(each.get("schema", {}))), []).append(media_type)
        return tuple(Body(tuple(names), fields) for fields, names in types.items())

    def _answer(self, status: str, given: Schema) -> Answer:
        return Answer(status, given.get("description", ""), self._bodies(given.get("content", {})))

    def _fields(self, schema: Schema, before: str = "", depth: int = 0) -> Iterator[Field]:
        value = self.plain(schema)
        while value.get("type") == "array":
            before, value = f"{before}[]", self.plain(value["items"])
        for name, inner in value.get("properties", {}).items():
            full = f"{before}.{name}" if before else name
            yield self._field(full, inner, name in value.get("required", ()))
            if depth < DEEPEST:
                yield from self._fields(inner, full, depth + 1)

    def _field(self, name: str, schema: Schema, required: bool) -> Field:
        value = self.plain(schema)
        return Field(name, self._kind(value), required, " ".join(_meaning(value)))

    def _kind(self, value: Schema) -> str:
        if value.get("type") == "array":
            return f"list of {self._kind(self.plain(value['items']))}"
        return FORMATS.get(value.get("format", "")) or TYPES.get(value.get("type", ""), "any")


def _described(given: Schema) -> dict[str, str]:
    return {"description": given["description"]} if given.get("description") else {}


def _needed(parameter: Schema) -> bool:
    return bool(parameter.get("required"))


def _access(security: Iterable[Schema]) -> str:
    ways = list(security)
    if not any(ways):
        return "Needs no key."
    return "Needs no key; with one, more is allowed." if {} in ways else "Needs a key."


def _meaning(value: Schema) -> Iterator[str]:
    if text := value.get("description", "").strip():
        yield text if text.endswith((".", "!", "?", "…")) else f"{text}."
    choices = [str(each) for each in value.get("enum", ()) if each not in ("", None)]
    if choices:
        yield f"One of {', '.join(f'`{each}`' for each in choices)}."
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        yield f"{low:g} to {high:g}."
    if "maxLength" in value and value["maxLength"] < 100_000:
        yield f"At most {value['maxLength']} characters."
    default = value.get("default")
    if default not in (None, "", [], {}):
        yield f"Without it: `{str(default).lower() if isinstance(default, bool) else default}`."
