"""Which language is spoken, decided once a run, on speech only."""

from collections.abc import Callable, Sequence

from engine.errors import UnsupportedLanguage
from engine.protocols import LanguageGuess, Recognizer, Window
from engine.types import Chunk

SURE = 0.5
"""Below this probability more speech is listened to before the language is settled."""


def check_language(language: str | None, recognizer: Recognizer) -> None:
    """Raises UnsupportedLanguage for a language that the model does not know."""
    if language is None or language in recognizer.languages:
        return
    known = ", ".join(sorted(recognizer.languages)[:8]) + (", ..." if len(recognizer.languages) > 8 else "")
    raise UnsupportedLanguage(
        "unsupported_language",
        f"The model {recognizer.model} does not know the language '{language}' (it knows {known}). "
        "Nothing was transcribed. Choose another language or another model.",
    )


def settled_language(language: str | None, recognizer: Recognizer, done: Sequence[Chunk]) -> LanguageGuess | None:
    """The language where it needs no listening: asked for, found by an earlier run, or the only one there is.

    A language that nobody measured has probability 1 if it was asked for, 0 if it is merely all the model can do.
    """
    if language is not None:
        return LanguageGuess(language, 1.0)
    for chunk in done:
        if chunk.language is not None:
            return LanguageGuess(chunk.language, chunk.language_probability)
    if len(recognizer.languages) == 1:
        return LanguageGuess(next(iter(recognizer.languages)), 0.0)
    return None


def detect(
    windows: Sequence[Window],
    more: Callable[[], Sequence[Window]],
    listen: Callable[[Sequence[Window]], LanguageGuess],
) -> LanguageGuess:
    """Listen to `windows` (at least one, holding speech); when in doubt also to what `more` brings, once."""
    guess = listen(windows)
    if guess.probability >= SURE:
        return guess
    extra = more()
    return listen([*windows, *extra]) if extra else guess
