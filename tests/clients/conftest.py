"""The clients that come from npm. `make clients` installs them, pinned by package-lock.json, without their scripts."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
SECONDS = 120

NodeClient = Callable[..., Any]


@pytest.fixture(scope="session")
def node_client() -> NodeClient:
    """`node_client("openai_text.mjs", key=…, base=…)` runs a script of this folder and returns what it `answer`ed."""
    assert (HERE / "node_modules").is_dir(), "The clients from npm are not installed: run `make clients`."

    def run(script: str, **args: Any) -> Any:
        done = subprocess.run(
            ["node", script, json.dumps(args, default=str)],
            cwd=HERE,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{script} failed:\n{done.stderr[-4000:]}\n{done.stdout[-1000:]}"
        return json.loads(done.stdout.splitlines()[-1])

    return run
