"""The sandbox against what a taken-over decoder would try."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import sandbox
from engine.errors import EngineError

needs_full_sandbox = pytest.mark.skipif(
    sandbox.self_test().level != "full", reason="this kernel offers no Landlock or no seccomp"
)


def locked_down(program: str, memory_bytes: int = 256 << 20, cpu_seconds: int = 10) -> subprocess.CompletedProcess[str]:
    """Runs `program` behind the lock-down, in a process of its own."""
    setup = (
        "import errno, json, os, socket, sys, threading, ctypes\n"
        "from engine import sandbox\n"
        f"level = sandbox.lock_down(sandbox.Limits({memory_bytes}, {cpu_seconds}))\n"
    )
    command, environment = sandbox.python_child("engine.sandbox")
    command = [*command[: command.index("-m")], "-c", setup + program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@needs_full_sandbox
def test_self_test_finds_every_forbidden_act_denied() -> None:
    assert sandbox.self_test() == sandbox.SelfTest(level="full", escaped=())


def test_self_test_reports_what_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "from engine import sandbox\n"
        "sandbox._forbid_paths = lambda libc: False\n"
        "sandbox._filter_syscalls = lambda libc: False\n"
        # Nobody may not be allowed to read the interpreter; the usual installation is not root anyway.
        "sandbox._become_nobody = lambda: None\n"
        "sandbox.main()\n"
    )
    command, environment = sandbox.python_child("engine.sandbox")
    command = [*command[: command.index("-m")], "-c", program]
    monkeypatch.setattr(sandbox, "python_child", lambda module: (command, environment))
    result = sandbox.self_test()
    assert result.level == "reduced"
    assert {"open a file", "open a TCP socket", "connect", "fork", "run a program"} <= set(result.escaped)


@needs_full_sandbox
@pytest.mark.parametrize("layer", ["_forbid_paths", "_filter_syscalls"])
def test_either_layer_alone_keeps_files_closed(layer: str) -> None:
    other = {"_forbid_paths": "_filter_syscalls", "_filter_syscalls": "_forbid_paths"}[layer]
    program = f"from engine import sandbox\nsandbox.{other} = lambda libc: False\nsandbox.main()\n"
    command, environment = sandbox.python_child("engine.sandbox")
    command = [*command[: command.index("-m")], "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=True)
    report = json.loads(done.stdout)
    assert report["level"] == "reduced"
    assert "open a file" not in report["escaped"]
    if layer == "_filter_syscalls":
        assert report["escaped"] == [], "the filter alone stops all of them"


@needs_full_sandbox
def test_threads_still_start() -> None:
    done = locked_down("t = threading.Thread(target=print, args=('ran',)); t.start(); t.join()")
    assert done.stdout == "ran\n", done.stderr


@needs_full_sandbox
def test_a_handed_over_descriptor_still_reads(tmp_path: Path) -> None:
    source = tmp_path / "given"
    source.write_text("the content")
    program = "sys.stdout.write(os.read(0, 100).decode())"
    command, environment = sandbox.python_child("engine.sandbox")
    setup = "import os, sys; from engine import sandbox; sandbox.lock_down(sandbox.Limits(1 << 28, 10)); "
    with source.open() as handed_over:
        done = subprocess.run(
            [*command[: command.index("-m")], "-c", setup + program],
            env=environment, stdin=handed_over, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    assert done.stdout == "the content"


def test_memory_is_limited() -> None:
    done = locked_down("bytearray(200 << 20)", memory_bytes=100 << 20)
    assert "MemoryError" in done.stderr


@pytest.mark.slow
def test_cpu_time_is_limited() -> None:
    assert locked_down("while True: pass", cpu_seconds=1).returncode < 0


@needs_full_sandbox
def test_the_child_is_told_nothing_of_the_parents_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    done = locked_down("print(sorted(os.environ.items()))")
    assert done.stdout.startswith("[(")
    assert "canary" not in done.stdout


@pytest.mark.parametrize("name", sorted(sandbox._ARCHITECTURES))
def test_filter_programs_are_well_formed(name: str) -> None:
    program = sandbox._filter_program(sandbox._ARCHITECTURES[name])
    assert all(len(instruction) == 8 for instruction in program)
    # The kernel takes at most 4096 instructions.
    assert len(program) < 4096


def test_an_unstartable_child_is_a_typed_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "python_child", lambda module: ([sys.executable, "-c", "raise SystemExit(3)"], {}))
    with pytest.raises(EngineError) as caught:
        sandbox.self_test()
    assert caught.value.code == "sandbox_unavailable"
