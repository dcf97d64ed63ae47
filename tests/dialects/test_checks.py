"""docs/acceptance.md names the test of each acceptance check: it is there, and no check is forgotten."""

import ast
import json
import re
from pathlib import Path

import pytest

from stt_site.lib.errors import ErrorCode, ServiceError
from tests.dialects.examples import examples
from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.registry import DIALECTS

ROOT = Path(__file__).resolve().parents[2]
CHECKS = 124
LINE = re.compile(r"^\| (\d+)(?:-(\d+))? \| [^|]+ \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`( \(slow\))?")
ROWS = {
    (int(first), int(last or first)): shown
    for first, last, shown in LINE.findall((ROOT / "docs" / "acceptance.md").read_text())
}


def test_every_check_is_there_once() -> None:
    assert [number for first, last in ROWS for number in range(first, last + 1)] == list(range(1, CHECKS + 1))


@pytest.mark.parametrize("checks", ROWS, ids=lambda checks: "-".join(map(str, checks)))
def test_the_tests_of_a_check_exist_and_are_as_slow_as_it_says(checks: tuple[int, int]) -> None:
    shown = ROWS[checks]
    named = TEST.findall(shown)
    assert bool(named) != shown.startswith("not shown")
    for path, name, remark in named:
        source = (ROOT / path).read_text()
        functions = {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path} has no {name}"
        assert bool(re.search(r"^pytestmark = pytest\.mark\.slow$", source, re.MULTILINE)) == bool(remark), path


@pytest.mark.parametrize("code", ErrorCode)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_121_every_refusal_has_its_dialects_shape(dialect: Dialect, code: ErrorCode) -> None:
    error = ServiceError(code)
    error.request_id = "req_1"
    body = json.loads(json.dumps(dialect.refusal.response(error).data))
    assert error.message in examples()[dialect.urls.split(".")[-2]].complaint(body)
