"""What is taken out of a text before it is shown to others."""

import pytest

from engine.text.extract import extract
from engine.text.types import Line
from tests.text.meaning import shared_words


def redacted(text: str, language: str | None = "en") -> str:
    answer = extract("pii_redact", [Line(part) for part in text.split("\n")], shared_words, language=language)
    return str(answer["redacted_text"])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to jane.doe@example.org today.", "Write to [EMAIL] today."),
        ("It is jane dot doe at example dot org.", "It is [EMAIL]."),
        ("My number is 555-0142.", "My number is [PHONE]."),
        ("Call +49 30 901820 now.", "Call [PHONE] now."),
        ("five five five, oh one four two, double nine seven", "[PHONE]"),
        ("The card is 4111 1111 1111 1111.", "The card is [CREDIT_CARD]."),
        ("The card is four one one one one one one one one one one one one one one one.", "The card is [CREDIT_CARD]."),
        ("Send it to DE89 3704 0044 0532 0130 00 please.", "Send it to [IBAN] please."),
        ("The server is 10.0.0.12.", "The server is [IP_ADDRESS]."),
        ("Her social is 078-05-1120.", "Her social is [SSN]."),
        ("Open https://bob:secret@example.org/x now.", "Open [URL] now."),
        ("The password is hunter2.", "The password is [PASSWORD]."),
    ],
)
def test_english(text: str, left: str) -> None:
    assert redacted(text) == left


@pytest.mark.parametrize(
    ("text", "language", "left"),
    [
        ("Mi correo es ana punto ruiz arroba example punto com.", "es", "Mi correo es [EMAIL]."),
        (
            "el teléfono es seis uno dos treinta y cuatro cincuenta y seis setenta y ocho",
            "es",
            "el teléfono es [PHONE]",
        ),
        ("Mi DNI es 12345678Z.", "es", "Mi DNI es [NATIONAL_ID]."),
        ("Schreib an max punkt meier at example punkt de.", "de", "Schreib an [EMAIL]."),
        ("null eins sieben sechs zweiundzwanzig drei vier fünf sechs sieben", "de", "[PHONE]"),
    ],
)
def test_other_languages(text: str, language: str, left: str) -> None:
    assert redacted(text, language) == left


@pytest.mark.parametrize(
    "text",
    [
        "In 2024 we sold 120,000 units for 3.5 million.",
        "We met on 2024-05-17 and again on 17.05.2024.",
        "Look at the dot on the map.",
        "Count with me: one two three.",
        "Order 4111 1111 1111 1112 is no card, by its checksum.",
        "The answer is at 10:30:15 in the film.",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert redacted(text) == text


def test_spans_count_characters_of_the_lines_joined() -> None:
    lines = [Line("Hello."), Line("Mail a@example.org or b@example.org.")]
    answer = extract("pii_redact", lines, shared_words, language="en")
    text = "\n".join(line.text for line in lines)
    assert [text[one["start"] : one["end"]] for one in answer["entities"]] == ["a@example.org", "b@example.org"]
