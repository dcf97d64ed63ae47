"""Which language is spoken: decided once a run, or for each stretch of speech; on speech only."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from engine.errors import EngineError, TranslatorMissing, UnsupportedLanguage
from engine.protocols import LanguageGuess, Recognizer, Window
from engine.types import Chunk, LanguageDetection, Options, Segment, Span
from engine.vad import total
from engine.windows import part

SURE = 0.5
"""Below this probability more speech is listened to before the language is settled."""
SWITCH = 0.8
"""A stretch leaves the recording's main language only at this probability; half of it leads back."""
STRETCH = 3.0
"""Seconds of speech that say enough about their language."""
LONG_STRETCH = 6.0
CLEAR_PAUSE = 0.5
"""A stretch ends at a pause like this; a long one at any."""
REPORTED = 5
"""Candidates that a result names."""


def check_languages(options: Options, recognizer: Recognizer) -> None:
    """Raises UnsupportedLanguage for what the model does not know, TranslatorMissing for what it cannot write."""
    if options.task == "translate" and options.translate_to not in (None, "en"):
        raise TranslatorMissing(
            "translator_missing",
            f"A speech model translates into English only, not into '{options.translate_to}', and this server has no "
            "translation model. Nothing was transcribed. Ask for English, or for the text as it was spoken.",
        )
    for language in (options.language,) if options.language is not None else options.languages:
        if language not in recognizer.languages:
            raise _unknown(language, recognizer)


def _unknown(language: str, recognizer: Recognizer) -> EngineError:
    known = ", ".join(sorted(recognizer.languages)[:8]) + (", ..." if len(recognizer.languages) > 8 else "")
    return UnsupportedLanguage(
        "unsupported_language",
        f"The model {recognizer.model} does not know the language '{language}' (it knows {known}). "
        "Nothing was transcribed. Choose another language or another model.",
    )


def settled_language(options: Options, recognizer: Recognizer, done: Sequence[Chunk]) -> LanguageGuess | None:
    """The language where it needs no listening: asked for, found by an earlier run, or the only one there is.

    A language that nobody measured has probability 1 if it was asked for, 0 if it is merely all the model can do.
    """
    if options.language is not None:
        return LanguageGuess(options.language, 1.0, source="given")
    if len(options.languages) == 1:
        return LanguageGuess(options.languages[0], 1.0, source="given")
    for chunk in done:
        if chunk.language is not None:
            return LanguageGuess(chunk.language, chunk.language_probability, source=chunk.detection.source)
    if len(recognizer.languages) == 1:
        return LanguageGuess(next(iter(recognizer.languages)), 0.0, source="only")
    return None


def among(guess: LanguageGuess, languages: Sequence[str]) -> LanguageGuess:
    """The guess, had these been the only languages; all of them where `languages` is empty."""
    if not languages:
        return guess
    kept = [(language, probability) for language, probability in guess.candidates if language in languages]
    whole = sum(probability for _, probability in kept)
    if not whole:
        return replace(guess, language=languages[0], probability=0.0, candidates=())
    shares = tuple((language, probability / whole) for language, probability in kept)
    return replace(guess, language=shares[0][0], probability=round(shares[0][1], 4), candidates=shares)


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
    if not extra:
        return guess
    second = listen([*windows, *extra])
    return replace(second, calls=guess.calls + second.calls)


@dataclass(frozen=True, slots=True)
class Tongues:
    """Windows of one language each, in order, and how many stretches were listened to for that."""

    windows: tuple[Window, ...]
    languages: tuple[str | None, ...]
    calls: int = 0


def by_language(
    windows: Sequence[Window],
    speech: Sequence[Span],
    main: LanguageGuess,
    listen: Callable[[Sequence[Window]], Sequence[LanguageGuess]],
) -> Tongues:
    """Windows cut where their language changes. It starts from the main language, whatever was spoken before, so that
    a batch comes out the same in a resumed run."""
    found: list[tuple[Window, str | None]] = []
    calls = 0
    for window in windows:
        pieces = list(stretches(window, speech))
        guesses = listen([part(window, one.start, one.end) for one in pieces] if len(pieces) > 1 else [window])
        calls += len(guesses)
        heard = zip(pieces, steady(guesses, main.language), strict=True)
        found += _regrouped(window, heard)
    return Tongues(tuple(window for window, _ in found), tuple(language for _, language in found), calls)


def _regrouped(window: Window, heard: Iterable[tuple[Span, str | None]]) -> Iterator[tuple[Window, str | None]]:
    runs = [(language, list(run)) for language, run in groupby(heard, key=lambda item: item[1])]
    for language, run in runs:
        whole = len(runs) == 1
        yield (window if whole else part(window, run[0][0].start, run[-1][0].end)), language


def stretches(window: Window, speech: Sequence[Span]) -> Iterator[Span]:
    """The window in parts that hold enough speech to tell its language, cut in the middle of pauses."""
    heard = window.speech or speech
    spoken = [span for span in heard if span.end > window.spans[0].start and span.start < window.spans[-1].end]
    start, held = window.spans[0].start, 0.0
    for span, following in pairwise(spoken):
        held += span.end - span.start
        pause = following.start - span.end
        left = total(spoken) - held
        if held >= (STRETCH if pause >= CLEAR_PAUSE else LONG_STRETCH) and left >= STRETCH / 2:
            middle = (span.end + following.start) / 2
            yield Span(start, middle)
            start, held, spoken = middle, 0.0, spoken[spoken.index(following) :]
    yield Span(start, window.spans[-1].end)


def steady(guesses: Iterable[LanguageGuess], main: str | None) -> Iterator[str | None]:
    """The language of each stretch. A change wants good evidence: listening to seconds of speech goes wrong often."""
    current = main
    for guess in guesses:
        needed = SWITCH / 2 if guess.language == main else SWITCH
        if guess.probability >= needed:
            current = guess.language
        yield current


def found_by(main: LanguageGuess, calls: int = 0) -> LanguageDetection:
    """`calls` were made besides those for the main language."""
    return LanguageDetection(main.source, main.calls + calls, main.candidates[:REPORTED])


def summed_up(chunks: Sequence[Chunk], segments: Sequence[Segment]) -> tuple[str | None, float, LanguageDetection]:
    """Language, its probability and how it was found, of a whole recording. Of several languages it is the one spoken
    longest, whose probability nobody measured unless it is the main one."""
    settled = next((chunk for chunk in chunks if chunk.language is not None), None)
    if settled is None:
        return None, 0.0, LanguageDetection()
    detection = replace(settled.detection, calls=sum(chunk.detection.calls for chunk in chunks))
    if detection.source != "per_segment":
        return settled.language, settled.language_probability, detection
    seconds: dict[str, float] = {}
    for segment in segments:
        if segment.language is not None:
            seconds[segment.language] = seconds.get(segment.language, 0.0) + segment.end - segment.start
    longest = max(seconds, key=lambda language: seconds[language], default=settled.language)
    probability = settled.language_probability if longest == settled.language else 0.0
    return longest, probability, replace(detection, source="mixed") if len(seconds) > 1 else detection
