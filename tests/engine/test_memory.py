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
