"""What is extracted is in the text, at the place that is named."""

import socket
from collections.abc import Sequence
from typing import Any

import pytest

from engine.config import EngineConfig
from engine.errors import ModelUnavailable
from engine.text import minilm
from engine.text.cards import BLANK
from engine.text.embed import Embedder
from engine.text.extract import MAKERS, extract
from engine.text.ranking import Embed
from engine.text.types import Extraction, Line, Style
from tests.engine.text_models import with_embedder
from tests.text.labelled import transcripts
from tests.text.meaning import shared_words

MEETING = (
    Line("Good morning. Today we look at the budget of the harbour festival.", 0.0, 6.0, "Ann"),
    Line("The budget is short by four thousand euros because the stage became dearer.", 6.0, 12.0, "Ben"),
    Line("I'll ask the town for money by Friday. Can you check the price of the stage, Ben?", 12.0, 19.0, "Ann"),
    Line("Sure. What about the tickets. We decided last time to keep them free.", 19.0, 25.0, "Ben"),
    Line("Tom will call the printer tomorrow. Right?", 25.0, 29.0, "Ann"),
)


@pytest.fixture(scope="module")
def meaning(tmp_path_factory: pytest.TempPathFactory) -> Embed:
    """The real model."""
    models = with_embedder(tmp_path_factory.mktemp("models") / "here")
    return Embedder(minilm.ready(models), EngineConfig(models_dir=models)).embed


def made(
    what: Extraction,
    lines: Sequence[Line] = MEETING,
    style: Style = "brief",
    language: str | None = "en",
    embed: Embed = shared_words,
) -> Any:
    return extract(what, lines, embed, style=style, language=language)


@pytest.mark.parametrize("style", ["brief", "detailed", "bullet_points", "action_items"])
def test_a_summary_consists_of_sentences_of_the_text_in_their_order(style: Style) -> None:
    answer = made("summary", style=style)
    assert answer["points"]
    for point in answer["points"]:
        assert point["text"] in MEETING[point["line"]].text
        assert (point["start"], point["speaker"]) == (MEETING[point["line"]].start, MEETING[point["line"]].speaker)
        assert point["text"] in answer["summary"]
    lines = [point["line"] for point in answer["points"]]
    assert lines == sorted(lines)


def test_a_text_without_action_items_has_an_empty_summary_of_them() -> None:
    assert made("summary", (Line("The sea was calm that day."),), "action_items") == {"summary": "", "points": []}


def test_action_items_say_who_and_until_when() -> None:
    found = [(item["text"], item["owner"], item["due"]) for item in made("action_items")]
    assert found == [
        ("I'll ask the town for money by Friday.", "Ann", "Friday"),
        ("Can you check the price of the stage, Ben?", None, None),
        ("Tom will call the printer tomorrow.", "Tom", "tomorrow"),
    ]


def test_questions_are_found_with_and_without_their_mark() -> None:
    found = [question["text"] for question in made("questions")]
    assert found == ["Can you check the price of the stage, Ben?", "What about the tickets."]


def test_topics_are_phrases_of_the_text_by_weight() -> None:
    topics = made("topics")
    text = " ".join(line.text for line in MEETING).casefold()
    assert {"budget", "stage"} <= {topic["topic"] for topic in topics}
    assert all(topic["topic"].casefold() in text for topic in topics)
    weights = [topic["weight"] for topic in topics]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == 1.0


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I love this place, the food was wonderful.", "positive"),
        ("The table is made of wood.", "neutral"),
        ("This is a terrible disaster and I hate it.", "negative"),
    ],
)
def test_the_tone_of_english(text: str, label: str) -> None:
    answer = made("sentiment", (Line(text),))
    assert answer["label"] == label
    assert -1 <= answer["score"] <= 1


@pytest.mark.parametrize(
    ("language", "text", "label"),
    [
        ("es", "Estoy muy contento, ha sido maravilloso.", "positive"),
        ("es", "La mesa es de madera.", "neutral"),
        ("es", "Es un servicio pésimo y estoy enfadado.", "negative"),
        ("es", "Buenos días a todos. No me gusta nada.", "negative"),
        ("de", "Das ist wunderbar, ich freue mich sehr.", "positive"),
        ("de", "Der Tisch ist aus Holz. Guten Morgen.", "neutral"),
        ("de", "Das ist eine Frechheit und völlig falsch.", "negative"),
        ("de", "Das Essen war nicht gut.", "negative"),
    ],
)
def test_the_tone_of_spanish_and_german(language: str, text: str, label: str) -> None:
    assert made("sentiment", (Line(text),), language=language)["label"] == label


def test_the_tone_of_a_language_that_the_word_list_lacks_is_not_invented() -> None:
    with pytest.raises(ModelUnavailable, match="models fetch"):
        made("sentiment", (Line("Hän oli iloinen ja tyytyväinen tulokseen."),), language="fi")


@pytest.mark.parametrize("what", ["topics", "action_items", "questions"])
@pytest.mark.parametrize("lines", [(), (Line(""),), (Line("  \n "),), (Line("…"), Line("?!"))], ids=str)
def test_a_text_that_says_nothing_gives_nothing(what: Extraction, lines: tuple[Line, ...]) -> None:
    assert made(what, lines, language=None) == []


def test_every_answer_is_made_of_the_text() -> None:
    for transcript in transcripts():
        whole = "\n".join(line.text for line in transcript.lines)
        for what in ("key_quotes", "questions", "action_items"):
            for point in made(what, transcript.lines, language=transcript.language):
                assert point["text"] in transcript.lines[point["line"]].text
        for card in made("flashcards", transcript.lines, language=transcript.language):
            assert card["question"].replace(BLANK, card["answer"]) in whole
        for question in made("quiz", transcript.lines, language=transcript.language):
            assert question["answer"] in question["options"]
            assert len({option.casefold() for option in question["options"]}) == 4
            assert all(option in whole for option in question["options"])
        for entity in made("entities", transcript.lines, language=transcript.language):
            assert whole[entity["start"] : entity["end"]] == entity["text"]


def talk(*subjects: tuple[str, ...]) -> tuple[Line, ...]:
    said = [sentence for subject in subjects for sentence in subject]
    return tuple(Line(sentence, 15.0 * at, 15.0 * at + 14.0, "Ann") for at, sentence in enumerate(said))


BEES = (
    "Bees live in a hive with one queen and thousands of workers.",
    "The queen lays eggs in the cells of the honeycomb.",
    "Worker bees collect nectar and turn it into honey.",
    "A beekeeper looks after the hive and harvests the honey in summer.",
    "In winter the bees keep the queen warm inside the hive.",
    "Mites are the greatest danger for a bee colony.",
    "The beekeeper treats the hive against mites in autumn.",
    "Honey from lime trees is bright and tastes fresh.",
    "A strong colony of bees survives even a long winter.",
)
TRAINS = (
    "The railway line along the coast was built by hand.",
    "Steam locomotives pulled the first trains up the mountain.",
    "Every station had a signal box with long iron levers.",
    "The engine driver had to watch the pressure of the boiler.",
    "Diesel locomotives replaced steam on the railway later.",
    "The tunnel under the mountain is two miles long.",
    "Passengers buy their tickets at the station before the train leaves.",
    "A modern train brakes with electric motors on every axle.",
    "The railway museum shows an old locomotive and its boiler.",
)


def test_chapters_begin_where_the_talk_turns(meaning: Embed) -> None:
    chapters = made("chapter_markers", talk(BEES, TRAINS), embed=meaning)
    assert [chapter["line"] for chapter in chapters] == [0, len(BEES)]
    assert chapters[0]["end"] == chapters[1]["start"] == 15.0 * len(BEES)
    assert chapters[1]["end"] == 15.0 * 17 + 14.0
    assert any(word in chapters[0]["title"].casefold() for word in ("bee", "hive", "honey"))
    assert any(word in chapters[1]["title"].casefold() for word in ("railway", "locomotive", "train", "station"))


def test_a_summary_has_a_word_from_every_subject(meaning: Embed) -> None:
    lines = {point["line"] for point in made("summary", talk(BEES, TRAINS), embed=meaning)["points"]}
    assert {line < len(BEES) for line in lines} == {True, False}


def test_notes_of_a_meeting_have_its_decisions_tasks_and_what_stays_open() -> None:
    lines = (*MEETING, Line("Who pays for the fireworks?", 29.0, 31.0, "Ben"), Line("I don't know.", 31.0, 33.0, "Ann"))
    notes = {
        section["title"]: [point["text"] for point in section["points"]] for section in sections("meeting_notes", lines)
    }
    assert notes["Decisions"] == ["We decided last time to keep them free."]
    assert "Tom will call the printer tomorrow." in notes["Action items"]
    assert notes["Open questions"] == ["Who pays for the fireworks?"]
    assert "The budget is short by four thousand euros because the stage became dearer." in notes["Key points"]


def test_show_notes_name_who_and_what_is_mentioned() -> None:
    lines = (*MEETING, Line("The printer is Maple Press Ltd, see www.example.org for it.", 29.0, 31.0, "Ben"))
    notes = {section["title"]: section["points"] for section in sections("show_notes", lines)}
    mentioned = {point["text"]: point["line"] for point in notes["Mentioned"]}
    assert mentioned["Maple Press Ltd"] == mentioned["www.example.org"] == 5
    assert mentioned["Tom"] == 4
    assert {"Summary", "Topics"} <= set(notes)


def sections(what: Extraction, lines: Sequence[Line]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = made(what, lines)["sections"]
    assert all(section["points"] for section in found)
    return found


def test_spoken_instructions_are_sentences_like_others() -> None:
    """Nothing of them is followed: every answer still consists of the text, and asking twice gives the same."""
    for transcript in (one for one in transcripts() if one.hostile):
        for what in MAKERS:
            once = made(what, transcript.lines, language=transcript.language)
            assert once == made(what, transcript.lines, language=transcript.language)
        notes = made("meeting_notes", transcript.lines, language=transcript.language)
        for section in notes["sections"]:
            assert all(point["text"] in transcript.lines[point["line"]].text for point in section["points"])


def test_nothing_opens_a_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    for what in MAKERS:
        for language in ("en", "es", "de", None):
            if what != "sentiment" or language:
                made(what, (*MEETING, Line("Mail ann@example.museum or call +49 30 901820.")), language=language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        (
            "ja",
            "今日は予算について話します。会議は三時に始まります。アンナさんが資料を送ります。次の会議は金曜日です。",
        ),
        (
            "ru",
            "Сегодня мы обсуждаем бюджет. Встреча начнётся в три часа. Анна пришлёт документы. Кто напишет?",
        ),
        ("ar", "نتحدث اليوم عن الميزانية. يبدأ الاجتماع في الثالثة. سترسل آنا الوثائق يوم الجمعة. من سيكتب التقرير؟"),
        ("hi", "आज हम बजट पर बात करेंगे। बैठक तीन बजे शुरू होगी। अन्ना शुक्रवार को दस्तावेज़ भेजेगी। रिपोर्ट कौन लिखेगा?"),
    ],
)
def test_other_scripts_still_have_sentences_and_a_summary(language: str, text: str) -> None:
    answer = made("summary", (Line(text),), language=language)
    assert 1 <= len(answer["points"]) < 4
    assert all(point["text"] in text for point in answer["points"])
    for what in MAKERS:
        if what != "sentiment":
            made(what, (Line(text),), language=language)


def test_a_text_as_long_as_texts_may_be_is_read_evenly() -> None:
    many = tuple(Line(f"In part {at} we talk about subject number {at} of the long report.") for at in range(3000))
    seen: list[int] = []

    def embed(texts: Sequence[str]) -> Any:
        seen.append(len(texts))
        return shared_words(texts)

    lines = [point["line"] for point in made("summary", many, "detailed", embed=embed)["points"]]
    assert max(seen) <= 800
    assert len(lines) == 9
