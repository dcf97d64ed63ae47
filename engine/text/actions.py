"""Who said they would do what, who was asked to, what has to be done; and what was decided."""

from collections.abc import Iterator, Sequence

from engine.text.languages import has_words, phrasebooks
from engine.text.names import CAPITALISED_NOUNS
from engine.text.phrasebook import Phrasebook
from engine.text.sentences import Sentence
from engine.text.types import Answer

Names = frozenset[str]


def action_items(found: Sequence[Sentence], code: str | None, names: Names) -> Iterator[Answer]:
    """Points with `owner` and `due` as they were said, None where they were not. `names`: words of people's names."""
    books = phrasebooks(code)
    for sentence in found:
        for book in books:
            if is_action(sentence.text, book, names):
                owner = _owner(sentence, book, names)
                yield {**sentence.point(), "owner": owner, "due": _due(sentence.text, book)}
                break


def is_action(text: str, book: Phrasebook, names: Names) -> bool:
    if not has_words(text) or book.no_action.search(text):
        return False
    patterns = (book.commitment, book.request, book.need)
    return any(pattern.search(text) for pattern in patterns) or _assigned(text, book, names) is not None


def decisions(found: Sequence[Sentence], code: str | None) -> Iterator[Sentence]:
    books = phrasebooks(code)
    return (
        sentence
        for sentence in found
        if has_words(sentence.text) and any(book.decision.search(sentence.text) for book in books)
    )


def _owner(sentence: Sentence, book: Phrasebook, names: Names) -> str | None:
    """The one who is named; else the one who speaks, if they say "I"."""
    promised = sentence.speaker if book.commitment.search(sentence.text) else None
    return _assigned(sentence.text, book, names) or promised


def _assigned(text: str, book: Phrasebook, names: Names) -> str | None:
    for match in book.assignment.finditer(text):
        owner = str(match["owner"])
        if owner in names or (book.code not in CAPITALISED_NOUNS and _is_like_a_name(text, match.start("owner"))):
            return owner
    return None


def _is_like_a_name(text: str, start: int) -> bool:
    """A capital in the middle of a sentence, and not of a longer name: "Bank" of "Harbour Bank"."""
    before = text[:start].split()
    return bool(before) and before[-1][-1] not in ".!?:¿¡" and not before[-1][0].isupper()


def _due(text: str, book: Phrasebook) -> str | None:
    found = book.deadline.search(text)
    return str(found["due"]) if found else None
