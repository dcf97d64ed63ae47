"""What the README of a dialect says of each parameter, held against what its code reads."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from transcripts.api.dialects.base import Dialect
from transcripts.api.dialects.registry import DIALECTS
from transcripts.uploads.policy import POLICIES

VERDICTS = {"honoured", "mapped", "ignored", "refused"}
ROW = re.compile(r"^\| `([^`]+)` \| ([a-z]+) \| (.+) \|$")


def package(dialect: Dialect) -> str:
    return dialect.urls.rpartition(".")[0]


def folder(dialect: Dialect) -> Path:
    return Path(str(importlib.import_module(package(dialect)).__file__)).parent


def parameters(dialect: Dialect) -> Mapping[str, tuple[str, ...]]:
    found: Mapping[str, tuple[str, ...]] = importlib.import_module(f"{package(dialect)}.request").PARAMETERS
    return found


def tables(readme: str) -> dict[str, dict[str, str]]:
    """Address to parameter to verdict."""
    found: dict[str, dict[str, str]] = {}
    address = ""
    for line in readme.splitlines():
        if line.startswith("#"):
            address = line.lstrip("#").strip()
        elif row := ROW.match(line):
            name, verdict, _ = row.groups()
            assert name not in found.setdefault(address, {}), f"{address} says two things of {name}"
            found[address][name] = verdict
    return found


def strings_read(source: Path) -> Iterator[str]:
    """String literals of the code, without those of the table itself and of the OpenAPI document."""
    for path in sorted(source.glob("*.py")):
        if path.name == "schemas.py":
            continue
        tree = ast.parse(path.read_text())
        for statement in tree.body:
            target = statement.target if isinstance(statement, ast.AnnAssign) else None
            names = statement.targets if isinstance(statement, ast.Assign) else [target]
            if any(isinstance(name, ast.Name) and name.id == "PARAMETERS" for name in names):
                continue
            yield from (
                node.value
                for node in ast.walk(statement)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            )


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_readme_says_what_the_code_does(dialect: Dialect) -> None:
    said = tables((folder(dialect) / "README.md").read_text())
    read = parameters(dialect)
    assert {verdict for rows in said.values() for verdict in rows.values()} <= VERDICTS
    for address, names in read.items():
        rows = said.get(address, {})
        assert {name for name, verdict in rows.items() if verdict != "ignored"} == set(names), address
        assert not {name for name, verdict in rows.items() if verdict == "ignored"} & set(names), address
    assert not set(said) - set(read), "a table of parameters that no code reads"


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_no_parameter_is_only_claimed(dialect: Dialect) -> None:
    literals = set(strings_read(folder(dialect)))
    # The gate takes the recording itself, under the names that the policy of its address gives.
    files = {name for policy in POLICIES.values() for name in policy.file_fields}
    claimed = {part for names in parameters(dialect).values() for name in names for part in name.split(".")}
    assert claimed - files <= literals
