"""The panel beside a transcript: drawn without computing, made on request, and never more than text."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from accounts.models import User
from tests.dialects.llm_double import LanguageModel
from tests.transcripts.stand_ins import extracted
from tests.web import rows
from transcripts import engine_gateway
from transcripts.models import ChatTurn, Transcript, TranscriptInsight
from transcripts.services.editing import replace
from transcripts.web.prose import prose

pytestmark = pytest.mark.django_db

HOSTILE = '<img src=x onerror="alert(1)"> ![see](https://evil.example/pixel.png) <script>alert(2)</script>'


@pytest.fixture(autouse=True)
def extractor(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the engine was asked for."""
    asked: list[str] = []

    def extract(what: str, lines: list[object], **_: object) -> object:
        asked.append(what)
        return extracted(what, lines)  # type: ignore[arg-type]

    monkeypatch.setattr(engine_gateway, "extract", extract)
    return asked


@pytest.fixture
def model(settings: Settings) -> Iterator[LanguageModel]:
    with LanguageModel().serving() as model:
        settings.LLM_URL, settings.LLM_MODEL, settings.LLM_SECONDS = model.address, "local", 20
        yield model


def make(page: Client, made: Transcript, kind: str, **more: str) -> str:
    answer = page.post(f"/transcripts/{made.slug}/insights/", {"kind": kind, "part": "1", **more})
    assert answer.status_code == 200, answer.content
    return str(answer.content.decode())


def test_the_page_computes_nothing_and_asks_first(page: Client, alice: User, extractor: list[str]) -> None:
    made = rows.transcript(alice)
    shown = page.get(f"/transcripts/{made.slug}/").content.decode()
    assert "Summarize</button>" in shown
    assert "STT_LLM_URL" in shown  # what would write the texts that nobody here can write
    assert "Make: Blog post" not in shown
    assert (extractor, TranscriptInsight.objects.count()) == ([], 0)


def test_a_summary_is_made_once_and_leads_to_its_times(page: Client, alice: User, extractor: list[str]) -> None:
    made = rows.transcript(alice)
    for _ in range(2):
        card = make(page, made, "summary", style="bullet_points")
        assert re.search(r'Good morning all\. .* <a class="stamp" href="#t=0.50" data-seek="0.5">0:00</a></li>', card)
        assert "Picked from the recording’s own sentences" in card
    assert extractor == ["summary"]
    assert rows.TALK[0].text in page.get(f"/transcripts/{made.slug}/?style=bullet_points").content.decode()


@pytest.mark.parametrize(
    "kind",
    [
        "chapter_markers",
        "action_items",
        "questions",
        "key_quotes",
        "topics",
        "entities",
        "sentiment",
        "meeting_notes",
        "show_notes",
        "flashcards",
        "quiz",
    ],
)
def test_every_kind_is_drawn(page: Client, alice: User, kind: str) -> None:
    made = rows.transcript(alice)
    card = make(page, made, kind)
    assert f'data-made="{kind}"' in card
    assert "Nothing was found" not in card
    assert "made__foot" in page.get(f"/transcripts/{made.slug}/?panel=actions").content.decode()


def test_without_a_script_the_same_form_leads_back_to_its_tab(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    answer = page.post(f"/transcripts/{made.slug}/insights/", {"kind": "chapter_markers"})
    assert answer["Location"] == f"/transcripts/{made.slug}/?panel=chapters#panel"
    shown = page.get(answer["Location"]).content.decode()
    assert re.search(r'id="panel-chapters" aria-labelledby="tab-chapters">', shown)
    refused = page.post(f"/transcripts/{made.slug}/insights/", {"kind": "blog_post"}, follow=True)
    assert "takes a language model" in refused.content.decode()


def test_what_was_made_before_the_last_edits_says_so(page: Client, alice: User, extractor: list[str]) -> None:
    made = rows.transcript(alice)
    make(page, made, "action_items")
    replace.replace(made, alice, "brief", "plan")
    shown = page.get(f"/transcripts/{made.slug}/?panel=actions").content.decode()
    assert re.search(r"data-stale>.*Made before your last edits", shown, re.DOTALL)
    assert re.search(r"data-stale hidden>", make(page, made, "action_items", force="1"))
    assert extractor == ["action_items", "action_items"]


def test_a_refusal_stands_in_the_card(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    answer = page.post(f"/transcripts/{made.slug}/insights/", {"kind": "newsletter", "part": "1"})
    assert answer.status_code == 503
    assert "this server has none" in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()
    unknown = page.post(f"/transcripts/{made.slug}/insights/", {"kind": "poem", "part": "1"})
    assert unknown.status_code == 400


def test_the_words_of_a_model_are_only_text(page: Client, alice: User, model: LanguageModel) -> None:
    made = rows.transcript(alice, segments=[rows.spoken(HOSTILE, 0.5)])
    points = {"summary": HOSTILE, "points": [{"text": HOSTILE, "line": 1}]}
    model.reply = lambda body: points if "response_format" in body else f"# {HOSTILE}\n\n- {HOSTILE} [0:01]"
    for card in (make(page, made, "summary", style="detailed"), make(page, made, "blog_post")):
        assert not re.search(r"<(img|script)\b", card)
        assert "evil.example" not in re.sub(r">[^<]*<", "", card), "only between tags, as text"
        assert "Written by <bdi>local</bdi>" in card


def test_prose_has_blocks_times_and_nothing_else() -> None:
    written = "# Title\n\nTwo\nlines, **bold** at [1:02:03].\n\n- one\n- <b>two</b>\n\n[x](https://evil.example)"
    assert prose(written) == (
        '<h4 dir="auto">Title</h4>'
        '<p dir="auto">Two lines, <strong>bold</strong> at '
        '<a class="stamp" href="#t=3723" data-seek="3723">1:02:03</a>.</p>'
        '<ul class="plain"><li dir="auto">one</li><li dir="auto">&lt;b&gt;two&lt;/b&gt;</li></ul>'
        '<p dir="auto">[x](https://evil.example)</p>'
    )


def test_a_question_is_answered_without_a_script_and_stays(page: Client, alice: User) -> None:
    made = rows.transcript(alice, segments=[rows.spoken("The budget is twelve fifty a unit.", 4.25)])
    asked = {"question": "What is the budget of a unit?"}
    answer = page.post(f"/transcripts/{made.slug}/chat/", asked)
    assert answer["Location"] == f"/transcripts/{made.slug}/?panel=chat#panel"
    shown = page.get(answer["Location"]).content.decode()
    assert '<a class="stamp" href="#t=4.25" data-seek="4.25">0:04</a> The budget is twelve fifty a unit.' in shown
    assert "The recording’s own words" in shown
    page.post(f"/transcripts/{made.slug}/chat/", {"question": "Who won the football match?"})
    assert "That is not in this recording." in page.get(answer["Location"]).content.decode()
    assert "Answers come from it alone" in page.get(f"/transcripts/{made.slug}/?chat=new").content.decode()


def test_an_answer_is_drawn_as_text_with_its_times(page: Client, alice: User, model: LanguageModel) -> None:
    made = rows.transcript(alice, segments=[rows.spoken("The budget is twelve fifty a unit.", 4.25)])
    model.reply = lambda body: f"Twelve fifty [00:04]. {HOSTILE}"
    page.post(f"/transcripts/{made.slug}/chat/", {"question": "What is the budget of a unit?"})
    turn = ChatTurn.objects.get()
    drawn = page.get(f"/transcripts/{made.slug}/chat/", {"session": turn.session.public_id}).content.decode()
    assert 'Twelve fifty <a class="stamp" href="#t=4.25" data-seek="4.25">0:04</a>.' in drawn
    assert not re.search(r"<(img|script)\b", drawn)
    assert page.get(f"/transcripts/{made.slug}/chat/", {"session": "cs_nothing"}).status_code == 404


def test_a_translation_stands_beside_its_paragraphs_and_says_who_made_it(page: Client, alice: User) -> None:
    made = rows.transcript(alice, segments=[rows.spoken("The brief.", 4.25)])
    turns = [{"start": 4.25, "end": 5.05, "speaker": None, "text": HOSTILE}]
    value = {"target": "de", "text": HOSTILE, "turns": turns}
    TranscriptInsight.objects.create(
        transcript=made, version=1, rev=0, kind="translation", variant="de", value=value, model="a translator"
    )
    shown = page.get(f"/transcripts/{made.slug}/?translation=de").content.decode()
    assert 'class="turn__other" dir="auto" lang="de">&lt;img' in shown
    assert "translated by <bdi>a translator</bdi>" in shown
    plain = page.get(f"/transcripts/{made.slug}/").content.decode()
    assert "turn__other" not in plain
    assert 'href="?translation=de">German</a>' in plain


def test_without_a_translator_the_page_says_what_is_to_be_installed(page: Client, alice: User) -> None:
    made = rows.transcript(alice)
    shown = page.get(f"/transcripts/{made.slug}/").content.decode()
    assert "<code>manage.py models fetch madlad400-3b-mt</code>" in shown
    refused = page.post(f"/transcripts/{made.slug}/translate/", {"target": "de"}, follow=True)
    assert "this server has none" in refused.content.decode()
