"""Which languages a MADLAD-400 writes: its vocabulary has a piece for each."""

import json
import re
from functools import lru_cache
from pathlib import Path

PIECE = re.compile(r"<2([a-z]{2,3}(?:_[A-Z][a-z]{3})?)>")
# Where it has a code that is not the usual one.
_SPELLINGS = {"he": "iw", "jw": "jv", "tl": "fil"}


@lru_cache(maxsize=4)
def _codes(directory: Path) -> dict[str, str]:
    """The usual code of each language, and the model's own."""
    vocabulary = json.loads((directory / "shared_vocabulary.json").read_text(encoding="utf-8"))
    own = [found[1] for token in vocabulary if (found := PIECE.fullmatch(token))]
    usual = {spelling: code for code, spelling in _SPELLINGS.items()}
    return {usual.get(code, code): code for code in own}


def targets(directory: Path) -> tuple[str, ...]:
    return tuple(sorted(_codes(directory)))


def own_code(directory: Path, language: str) -> str | None:
    """The model's code for a language tag; a region that it does not tell apart is left out."""
    known = {code.lower(): own for code, own in _codes(directory).items()}
    wanted = language.strip().lower().replace("-", "_")
    return known.get(wanted) or known.get(wanted.split("_")[0])
