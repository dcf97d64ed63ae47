"""Who said they would do what, who was asked to, what has to be done; and what was decided."""

from collections.abc import Iterator, Sequence

from engine.text.languages import phrasebooks
from engine.text.phrasebook import Phrasebook
from engine.text.sentences import Sentence
from engine.text.types import Answer


def action_items(sentences: Sequence[Sentence], code: str | None) -> Iterator[Answer]:
    """Points with `owner` and `due` as they were said, None where they were not."""
    books = phrasebooks(code)
    for sentence in sentences:
        for book in books:
            if is_action(sentence.text, book):
                yield {**sentence.point(), "owner": owner(sentence, book), "due": due(sentence.text, book)}
                break


def is_action(text: str, book: Phrasebook) -> bool:
    if book.no_action.search(text):
        return False
    patterns = (book.commitment, book.request, book.need, book.assignment)
    return any(pattern.search(text) for pattern in patterns)


def owner(sentence: Sentence, book: Phrasebook) -> str | None:
    """The one who is named; else the one who speaks, if they say "I"."""
    named = book.assignment.search(sentence.text)
    if named:
        return str(named["owner"])
    return sentence.speaker if book.commitment.search(sentence.text) else None


def due(text: str, book: Phrasebook) -> str | None:
    found = book.deadline.search(text)
    return str(found["due"]) if found else None


def decisions(sentences: Sequence[Sentence], code: str | None) -> Iterator[Sentence]:
    books = phrasebooks(code)
    return (sentence for sentence in sentences if any(book.decision.search(sentence.text) for book in books))
