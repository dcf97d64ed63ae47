"""Which diarizer answers on this server: pyannote's where its weights are, else the one whose weights are packaged."""

from collections.abc import Callable

from engine.backends import embedded_diarizer, pyannote
from engine.config import EngineConfig
from engine.protocols import Diarizer

FINDERS: dict[str, Callable[[EngineConfig], Diarizer | None]] = {
    "pyannote": pyannote.find,
    "embedded": embedded_diarizer.find,
}
"""Best first. Each says in no time, and without importing a model's runtime, whether its weights are here."""


def diarizer(config: EngineConfig) -> Diarizer | None:
    """None: speakers cannot be told apart here, or the operator does not want it."""
    if config.diarizer == "off":
        return None
    wanted = [find for name, find in FINDERS.items() if config.diarizer in ("auto", name)]
    return next((found for find in wanted if (found := find(config)) is not None), None)
