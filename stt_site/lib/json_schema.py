"""Schemas that a caller sends, and values against them. Nothing is fetched, and no schema can keep us busy."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

import regex
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

MAX_CHARACTERS = 100_000
MAX_NODES = 5_000
"""Of a schema with every reference followed."""
MAX_DEPTH = 60
PATTERN_SECONDS = 0.2
REFUSED = ("patternProperties", "$dynamicRef", "$recursiveRef", "$id")
"""Each is rare, and a way to hide work or another document."""

BY_NAME = ("properties", "dependentSchemas")
NO_SCHEMAS = ("$defs", "definitions", "enum", "const", "default", "examples")

Schema = Mapping[str, Any]


def check(schema: object) -> Schema:
    """Raises ValueError with what is wrong with it."""
    if not isinstance(schema, dict):
        raise ValueError("a schema is a JSON object")
    if len(json.dumps(schema)) > MAX_CHARACTERS:
        raise ValueError(f"it is longer than {MAX_CHARACTERS} characters")
    _walk(schema, schema, [MAX_NODES], 0)
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError) as error:
        raise ValueError(getattr(error, "message", "it is nested too deeply")[:200]) from error
    return schema


def resolved(node: object, root: Schema) -> Schema:
    """The node itself, or what its local `$ref` leads to. Raises ValueError."""
    for _ in range(MAX_DEPTH):
        if not isinstance(node, dict) or "$ref" not in node:
            return node if isinstance(node, dict) else {}
        rest = {name: value for name, value in node.items() if name != "$ref"}
        target = _pointed(str(node["$ref"]), root)
        node = {**target, **rest} if isinstance(target, dict) else target
    raise ValueError("it refers to itself")


def problem(value: object, schema: Schema) -> str | None:
    """What is wrong with the value, with its place; None: nothing."""
    try:
        error = next(_Validator(cast(Any, schema), registry=Registry()).iter_errors(value), None)
    except (RecursionError, Unresolvable) as unusable:
        return f"the schema cannot be followed: {unusable}"
    return None if error is None else f"{error.json_path}: {error.message}"[:300]


def _walk(node: object, root: Schema, budget: list[int], depth: int) -> None:
    budget[0] -= 1
    if budget[0] < 0 or depth > MAX_DEPTH:
        raise ValueError("it is too large, or refers to itself")
    if isinstance(node, dict):
        for name in REFUSED:
            if name in node and depth:
                raise ValueError(f"{name} is not supported")
        if "$ref" in node:
            _walk(_pointed(str(node["$ref"]), root), root, budget, depth + 1)
        for name, inner in node.items():
            if name in BY_NAME and isinstance(inner, dict):
                _walk(list(inner.values()), root, budget, depth + 1)
            elif name not in NO_SCHEMAS:
                _walk(inner, root, budget, depth + 1)
    elif isinstance(node, list):
        for inner in node:
            _walk(inner, root, budget, depth + 1)


def _pointed(reference: str, root: Schema) -> object:
    if not reference.startswith("#"):
        raise ValueError(f"it refers to {reference[:80]!r}, which is outside of it")
    node: object = root
    for step in filter(None, reference[1:].split("/")):
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(node, dict) or step not in node:
            raise ValueError(f"it refers to {reference[:80]!r}, which is not there")
        node = node[step]
    return node


def _pattern(validator: object, pattern: str, value: object, schema: object) -> Iterator[ValidationError]:
    # The standard library's matcher can be kept busy for years by a pattern made for it.
    if not isinstance(value, str):
        return
    try:
        if regex.search(pattern, value, timeout=PATTERN_SECONDS) is None:
            yield ValidationError(f"it does not match {pattern[:80]!r}")
    except (regex.error, TimeoutError):
        yield ValidationError(f"the pattern {pattern[:80]!r} cannot be used")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})
