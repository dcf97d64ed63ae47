"""The reference pages say what the OpenAPI document says, and their commands are what a shell and the server take."""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
from django.test import Client
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator

from transcripts.web import reference
from transcripts.web.reference import METHODS, Operation

BASE = "http://localhost:8000"


@cache
def document() -> dict[str, Any]:
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document()["paths"].items():
        for method in METHODS:
            if method in operations:
                yield method.upper(), path, operations[method]


def shown() -> list[Operation]:
    return [operation for page in reference.pages().values() for operation in page.operations]


def curl(command: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-F", dest="form", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("--data-binary", dest="bytes")
    parser.add_argument("-o", dest="output")
    words = shlex.split(command.replace("{base}", BASE).replace("\\\n", ""))
    assert words[0] == "curl"
    return parser.parse_args(words[1:])


@pytest.mark.django_db
def test_every_operation_of_the_document_is_on_a_page_with_its_fields(client: Client) -> None:
    texts = {}
    for slug in reference.pages():
        answer = client.get(f"/docs/{slug}/")
        assert answer.status_code == 200
        texts[slug] = unescape(answer.content.decode()).replace("<wbr>", "")
    place = {operation.id: slug for slug, page in reference.pages().items() for operation in page.operations}
    for method, path, operation in described():
        text = texts[place[operation["operationId"]]]
        assert f'id="{operation["operationId"]}"' in text
        assert f">{method}</span><span>{path}</span>" in text
        for parameter in operation.get("parameters", ()):
            assert f"<code>{parameter['name']}</code>" in text
    assert len(place) == sum(1 for _ in described())


def test_fields_are_named_as_deep_as_they_go() -> None:
    (found,) = (each for each in shown() if each.id == "transcribe")
    (form,) = found.bodies
    (file,) = (field for field in form.fields if field.name == "file")
    assert (file.kind, file.required) == ("file", True)
    (answer,) = found.answers
    assert "segments[].words[].start" in {field.name for body in answer.bodies for field in body.fields}
    assert [field.name for field in found.refusal] == ["error"]
    assert all(refusal.meaning for each in shown() for refusal in each.refusals)


def test_each_command_parses_and_reaches_its_operation() -> None:
    for operation in shown():
        asked = curl(operation.curl)
        address = urlsplit(asked.url)
        sends = asked.data is not None or asked.form or asked.bytes
        assert (asked.method or ("POST" if sends else "GET")) == operation.method, operation.id
        assert nameless(f"/{resolve(address.path).route}") == nameless(operation.path)


def nameless(path: str) -> str:
    """Both the router's and the document's way to write a path, without the names of its parts."""
    return re.sub(r"<[^>]+>|\{[^}]+\}", "*", path)


def test_each_body_of_a_command_is_what_the_document_allows() -> None:
    for method, path, operation in described():
        content = operation.get("requestBody", {}).get("content", {})
        (asked,) = (curl(each.curl) for each in shown() if (each.method, each.path) == (method, path))
        if "application/json" in content:
            schema = {**content["application/json"]["schema"], "components": document()["components"]}
            jsonschema.validate(json.loads(asked.data), schema)
        elif "multipart/form-data" in content:
            schema = reference.Reader(document()).plain(content["multipart/form-data"]["schema"])
            names = {field.partition("=")[0] for field in asked.form}
            assert set(schema.get("required", ())) <= names <= set(schema["properties"]), path
        else:
            assert asked.data is None, path
            assert asked.form == [], path


@pytest.mark.django_db
def test_a_command_names_this_server_and_never_a_key(client: Client) -> None:
    text = unescape(client.get("/docs/openai/").content.decode())
    assert f"curl {BASE}/v1/audio/transcriptions" in text
    assert '"Authorization: Bearer $STT_API_KEY"' in text
    assert "{base}" not in text


@pytest.mark.django_db
def test_there_is_no_page_of_another_name(client: Client) -> None:
    assert client.get("/docs/nothing/").status_code == 404
