"""What was asked: by its mark, or by how it begins where nobody wrote one."""

from collections.abc import Iterator, Sequence

from engine.text.languages import WORD, phrasebooks
from engine.text.phrasebook import Phrasebook
from engine.text.sentences import Sentence

MARKS = ("?", "？", "؟", "⁇", "⁈", "՞", ";")
"""The last is the Greek one, U+037E."""
CLOSING = "\"'”’»)]… "


def questions(sentences: Sequence[Sentence], code: str | None) -> Iterator[Sentence]:
    books = phrasebooks(code)
    return (sentence for sentence in sentences if is_question(sentence.text, books))


def is_question(text: str, books: Sequence[Phrasebook]) -> bool:
    if is_tag(text, books):
        return False
    return text.rstrip(CLOSING).endswith(MARKS) or any(book.question.search(text) for book in books)


def is_tag(text: str, books: Sequence[Phrasebook]) -> bool:
    words = WORD.findall(text.casefold())
    return not words or all(any(word in book.tags for book in books) for word in words)
