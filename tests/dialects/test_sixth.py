"""A dialect is four files of code and one line: here the registry runs with that line more."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from stt_site.urls import urlpatterns
from tests.dialects import test_readme
from transcripts.api.dialects import registry
from transcripts.uploads.policy import POLICIES

pytestmark = pytest.mark.django_db
LINE = '    "tests.dialects.sixth",\n'


@pytest.fixture
def with_a_sixth(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    source, policies, before = Path(registry.__file__).read_text(), dict(POLICIES), dict(vars(registry))
    exec(compile(source.replace("PACKAGES = (\n", f"PACKAGES = (\n{LINE}"), registry.__file__, "exec"), vars(registry))
    site = ModuleType("site_with_a_sixth")
    site.urlpatterns = [*registry.urlpatterns(), *urlpatterns]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, site.__name__, site)
    settings.ROOT_URLCONF = site.__name__
    yield
    vars(registry).update(before)
    POLICIES.clear()
    POLICIES.update(policies)


def hear(client: Client, **fields: str) -> Any:
    return client.post("/sixth/hear", {"sound": SimpleUploadedFile("talk.wav", b"RIFF"), **fields})


def test_four_files_and_a_line_are_a_dialect(with_a_sixth: None, keyed: Client, worker: None) -> None:
    assert len(list((Path(__file__).parent / "sixth").glob("*.py"))) == 4
    answer = hear(keyed)
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "heard": "chunk 0 chunk 1 chunk 2"})
    assert answer.headers["X-Model"] == "stand-in"
    refusals = (hear(keyed, tongue="xx"), hear(Client()), keyed.post("/sixth/hear", {}), keyed.get("/sixth/hear"))
    assert [refusal.status_code for refusal in refusals] == [400, 401, 400, 405]
    assert all(set(refusal.json()) == {"ok", "why"} for refusal in refusals)


def test_the_openapi_document_has_it(with_a_sixth: None, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "schema.yml"
    call_command("spectacular", "--urlconf", settings.ROOT_URLCONF, "--validate", "--fail-on-warn", "--file", str(file))
    assert "/sixth/hear:" in file.read_text()


def test_its_readme_is_held_too(with_a_sixth: None) -> None:
    sixth = registry.DIALECTS[0]
    test_readme.test_the_readme_says_what_the_code_does(sixth)
    test_readme.test_no_parameter_is_only_claimed(sixth)
