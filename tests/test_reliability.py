"""docs/reliability.md names the test of each promise: it is there, and every row that was promised has one."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    *("M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M11", "M12"),
    *("R1", "R2", "R3"),
    *("A1", "A2", "A5"),
    *("J1", "J2", "J3", "J4"),
    *("K1", "K2", "K3", "K4", "K6"),
    *("S1", "S2", "S3", "S4", "S6", "S7", "S8"),
    *("W1", "W2", "W3", "W4", "W5", "W6"),
    *("E1", "E2", "E3", "E4", "E5", "E6"),
    *("L1", "L2", "L3", "L4"),
]
LINE = re.compile(r"^\| ([A-Z]\d+) \|.*$", re.MULTILINE)
ALL_SLOW = re.compile(r"^pytestmark = .*pytest\.mark\.slow\b", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`( \([^)]*\))?")
TABLE = {match[1]: match[0] for match in LINE.finditer((ROOT / "docs" / "reliability.md").read_text())}


def test_every_row_is_there() -> None:
    assert list(TABLE) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist_and_are_as_slow_as_it_says(row: str) -> None:
    named = TEST.findall(TABLE[row])
    assert named
    for path, name, remark in named:
        functions = {
            node.name: node
            for node in ast.parse((ROOT / path).read_text()).body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert name in functions, f"{path} has no {name}"
        is_slow = is_marked_slow(functions[name]) or ALL_SLOW.search((ROOT / path).read_text()) is not None
        assert is_slow == ("slow" in remark), f"{name}: slow in one place and not in the other"


def is_marked_slow(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(ast.unparse(each) == "pytest.mark.slow" for each in function.decorator_list)
