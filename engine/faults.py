"""Turning what breaks inside into an EngineError."""

import logging

from engine.errors import EngineError, OutOfMemory

_log = logging.getLogger(__name__)


def out_of_memory(error: BaseException) -> bool:
    """CTranslate2 says it as a plain RuntimeError."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


def engine_fault(error: Exception) -> EngineError:
    """A defect or a lack of something, in the words of EngineError; the log has the rest."""
    if out_of_memory(error):
        return OutOfMemory("out_of_memory", "There was not enough memory for even the smallest batch.")
    _log.error("The engine failed", exc_info=error)
    what = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
    return EngineError("engine_fault", f"The speech engine failed inside ({what}); its log says more.")
