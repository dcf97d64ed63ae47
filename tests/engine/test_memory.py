import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from engine import memory


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    return tmp_path


def test_a_containers_limit_counts_and_files_that_were_read_do_not(group: Path) -> None:
    (group / "memory.max").write_text("90000000\n")
    (group / "memory.current").write_text("80000000\n")
    (group / "memory.stat").write_text("anon 20000000\ninactive_file 60000000\n")
    assert memory.free_ram() == 70.0


@pytest.mark.parametrize("limit", ["max\n", None])
def test_without_a_limit_the_machine_says_what_is_free(group: Path, limit: str | None) -> None:
    if limit is not None:
        (group / "memory.max").write_text(limit)
        (group / "memory.current").write_text("1")
        (group / "memory.stat").write_text("")
    free = memory.free_ram()
    assert free is not None
    assert free > 1


def test_weights_are_weighed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(bytes(4_000_000))
    (tmp_path / "tokenizer.json").write_bytes(bytes(1_000_000))
    assert memory.of_model(tmp_path, "int8") == 5.0
    assert memory.of_model(tmp_path, "float32") == 10.0
    assert memory.of_model(None, "float32") == 0.0


HEAPS = """
import ctypes
import psutil
from engine import memory

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]

def resident_mb():
    return psutil.Process().memory_info().rss / 1e6

def blocks(size, number):
    made = [libc.malloc(size) for _ in range(number)]
    for block in made:
        ctypes.memset(block, 1, size)
    return made

memory.keep_large_apart()
for block in blocks(8 << 20, 1):
    libc.free(block)
before = resident_mb()
for block in blocks(4 << 20, 26)[:-1]:
    libc.free(block)
apart = resident_mb()
for block in blocks(100_000, 1001)[:-1]:
    libc.free(block)
kept = resident_mb()
memory.give_back()
print(apart - before, kept - apart, resident_mb() - apart)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="only glibc can be told")
def test_what_is_free_goes_back_to_the_machine() -> None:
    """100 MB in large blocks and 100 in small ones, each time with one behind them that stays."""
    ran = subprocess.run([sys.executable, "-c", HEAPS], capture_output=True, text=True, check=True)
    large, small, small_given_back = map(float, ran.stdout.split())
    assert large < 5
    assert small > 50
    assert small_given_back < 5
