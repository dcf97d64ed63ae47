"""What the caller knows beforehand, as the text in front of Whisper's own. One budget for all of it.

A decoder has room for so many tokens, hints and answer together. More hints than half of it would cut the answer short
or be refused, so what does not fit is left out here: of the keywords the lightest, of the context its end, of the
prompt its beginning (it is the text before the audio, and its end is what matters).
"""

from collections.abc import Callable, Sequence

from engine.protocols import Request
from engine.types import Keyword

Encode = Callable[[str], list[int]]

LONGEST_TOKEN = 64
"""Letters, about; so much of a text of any length is enough to fill a budget."""


def hint_text(request: Request) -> str:
    """All hints as text, to recognise an echo of them."""
    return " ".join(part for part in (_context(request), _glossary(request.keywords), request.prompt) if part)


def hint_tokens(request: Request, budget: int, encode: Encode, word_starts: Callable[[int], bool]) -> list[int]:
    """At most `budget` tokens; what is nearest to the audio comes last. `word_starts`: does a token begin a word?"""
    reach = budget * LONGEST_TOKEN
    context = encode(" " + _context(request)[:reach]) if request.context else []
    terms = [encode(f" {keyword.term.strip()[:reach]},") for keyword in _by_weight(request.keywords)]
    prompt = (request.prompt or "").strip()
    before = encode(" " + prompt[-reach:]) if prompt else []
    for_context, for_terms, for_prompt = _shares([len(context), sum(map(len, terms)), len(before)], budget)
    return [
        *_head(context, for_context, word_starts),
        *_whole(terms, for_terms),
        *_tail(before, for_prompt, word_starts),
    ]


def _context(request: Request) -> str:
    said = (f"{name.strip()}: {value.strip()}" if name.strip() else value.strip() for name, value in request.context)
    return " ".join(text if text.endswith((".", "?", "!")) else text + "." for text in said if text)


def _glossary(keywords: Sequence[Keyword]) -> str:
    return ", ".join(keyword.term.strip() for keyword in _by_weight(keywords))


def _by_weight(keywords: Sequence[Keyword]) -> list[Keyword]:
    return sorted(keywords, key=lambda keyword: -keyword.weight)


def _shares(sizes: Sequence[int], budget: int) -> list[int]:
    """Who needs less than an equal share gets what it needs, and the others share the rest."""
    granted = [0] * len(sizes)
    left = budget
    for done, index in enumerate(sorted(range(len(sizes)), key=lambda index: sizes[index])):
        granted[index] = min(sizes[index], left // (len(sizes) - done))
        left -= granted[index]
    return granted


def _whole(terms: Sequence[list[int]], room: int) -> list[int]:
    kept: list[int] = []
    for term in terms:
        if len(kept) + len(term) > room:
            break
        kept += term
    return kept


def _head(tokens: list[int], room: int, word_starts: Callable[[int], bool]) -> list[int]:
    if len(tokens) <= room:
        return tokens
    end = room
    while end > 0 and not word_starts(tokens[end]):
        end -= 1
    return tokens[:end]


def _tail(tokens: list[int], room: int, word_starts: Callable[[int], bool]) -> list[int]:
    start = len(tokens) - room
    while 0 < start < len(tokens) and not word_starts(tokens[start]):
        start += 1
    return tokens[start:]
