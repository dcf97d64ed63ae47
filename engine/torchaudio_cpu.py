"""Lets torchaudio be imported beside a torch without CUDA.

The registry's wheel of torchaudio is linked against CUDA, so that its import fails beside a CPU torch; pyannote.audio
and transformers import it for parts that are plain Python. torchaudio has an answer for "no native library here", and
this finder gives that answer where torch has no CUDA. Beside a CUDA torch the real library loads.
"""

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NATIVE = "torchaudio._extension"


class _NoNativeLibrary:
    # Without importlib.abc's bases: importing them takes a tenth of what it takes to start a decoder.
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != NATIVE:
            return None
        import torch  # torchaudio has imported it already

        if torch.version.cuda or torch.version.hip:
            return None
        return ModuleSpec(fullname, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        values: dict[str, Any] = {
            "_IS_TORCHAUDIO_EXT_AVAILABLE": False,
            "_IS_ALIGN_AVAILABLE": False,
            "_load_lib": lambda library: False,
            "_check_cuda_version": lambda: None,
            "fail_if_no_align": _unavailable,
        }
        vars(module).update(values)


def _unavailable(function: Callable[..., Any]) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError(f"{function.__name__} needs torchaudio's native library, which needs a CUDA torch.")

    return refuse


def install() -> None:
    """Costs nothing until somebody imports torchaudio. Any number of times."""
    if not any(isinstance(finder, _NoNativeLibrary) for finder in sys.meta_path):
        sys.meta_path.insert(0, _NoNativeLibrary())
