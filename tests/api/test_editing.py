"""Documents edited through the API: HTTP in, HTTP and rows out."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.services import ledger
from accounts.services.ledger import Work
from engine import types as engine_types
from engine.types import Options
from tests.api.conftest import transcribe
from tests.transcripts.stand_ins import StandInEngine
from tests.web.rows import spoken
from tests.web.rows import transcript as stored
from transcripts import selectors
from transcripts.exports.registry import FORMATS
from transcripts.models import Edit, Job, JobState, Media, Origin, Transcript, TranscriptSegment, Turn
from transcripts.services import closing, index
from transcripts.services import speakers as labels
from transcripts.services.archive import archive
from transcripts.services.editing import versions
from transcripts.services.run import run_job
from transcripts.services.trash import purge

pytestmark = pytest.mark.django_db

TALK = (
    spoken("Good morning all.", 0.5, speaker="Speaker 1", language="en"),
    spoken("The brief is a remote.", 2.2, speaker="Speaker 1", language="en"),
    spoken("Twelve fifty a unit.", 9.0, speaker="Speaker 2", language="en"),
)


@pytest.fixture
def talk(alice: User) -> Transcript:
    return stored(alice, segments=TALK)


def at(talk: Transcript, path: str = "") -> str:
    return f"/api/v1/transcripts/{talk.slug}/{path}"


def turns(client: Client, talk: Transcript) -> Any:
    answer = client.get(at(talk, "turns/?words=1"))
    assert answer.status_code == 200
    return answer.json()


def send(client: Client, talk: Transcript, path: str, method: str = "post", status: int = 200, **body: Any) -> Any:
    answer = getattr(client, method)(at(talk, path), body, "application/json")
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None


def edit(
    client: Client, talk: Transcript, turn: int, base_rev: int, text: str, status: int = 200, *, key: str = ""
) -> Any:
    body = json.dumps({"base_rev": base_rev, "text": text})
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.patch(at(talk, f"turns/{turn}/"), body, "application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_turns_have_their_ids_before_anybody_edits(keyed: Client, talk: Transcript) -> None:
    first = turns(keyed, talk)
    assert [(each["id"], each["rev"], each["speaker"]) for each in first["turns"]] == [(0, 0, 1), (1, 0, 2)]
    assert first["turns"][0]["words"][1] == ["morning", 0.9, 1.3, 0.9]
    assert (first["edited"], first["can_undo"], Turn.objects.count()) == (False, False, 0)
    assert first["speakers"] == [{"id": 1, "name": "Speaker 1"}, {"id": 2, "name": "Speaker 2"}]
    edit(keyed, talk, 0, 0, "Good evening all. The brief is a remote.")
    second = turns(keyed, talk)
    assert [each["id"] for each in second["turns"]] == [0, 1]
    assert second["turns"][1] == first["turns"][1]
    assert second["edited"]


def test_a_page_that_knows_the_state_is_not_sent_it_again(keyed: Client, talk: Transcript) -> None:
    etag = keyed.get(at(talk, "turns/")).headers["ETag"]
    assert keyed.get(at(talk, "turns/"), headers={"If-None-Match": etag}).status_code == 304
    edit(keyed, talk, 0, 0, "Good evening all.")
    assert keyed.get(at(talk, "turns/"), headers={"If-None-Match": etag}).status_code == 200


def test_the_second_of_two_is_shown_both_texts(keyed: Client, talk: Transcript) -> None:
    first = edit(keyed, talk, 0, 0, "Good evening all. The brief is a remote.")
    conflict = edit(keyed, talk, 0, 0, "Good night all. The brief is a remote.", 409)
    assert (conflict["code"], conflict["yours"]) == ("edit_conflict", "Good night all. The brief is a remote.")
    assert conflict["turn"] == first["changed"][0]
    assert "Nothing was overwritten" in conflict["error"]
    edit(keyed, talk, 1, 0, "Twelve fifteen a unit.")
    edit(keyed, talk, 0, conflict["turn"]["rev"], "Good night all. The brief is a remote.")
    assert [each["text"] for each in turns(keyed, talk)["turns"]] == [
        "Good night all. The brief is a remote.",
        "Twelve fifteen a unit.",
    ]


def test_a_turn_that_went_is_a_conflict_and_one_that_never_was_is_not_there(keyed: Client, talk: Transcript) -> None:
    send(keyed, talk, "turns/1/merge/", base_rev=0)
    conflict = edit(keyed, talk, 1, 0, "Twelve fifteen", 409)
    assert (conflict["turn"], conflict["yours"]) == (None, "Twelve fifteen")
    assert list(edit(keyed, talk, 77, 0, "x", 404)) == ["error"]


def test_a_change_sent_twice_is_one_change(keyed: Client, talk: Transcript) -> None:
    first = edit(keyed, talk, 0, 0, "Good evening all.", key="change-1")
    assert edit(keyed, talk, 0, 0, "Good evening all.", key="change-1") == first
    again = keyed.post(
        at(talk, "turns/1/split/"),
        json.dumps({"base_rev": 0, "before": "Twelve fifty", "after": "a unit."}),
        "application/json",
        headers={"Idempotency-Key": "change-2"},
    ).json()
    repeated = keyed.post(
        at(talk, "turns/1/split/"),
        json.dumps({"base_rev": 0, "before": "Twelve fifty", "after": "a unit."}),
        "application/json",
        headers={"Idempotency-Key": "change-2"},
    ).json()
    assert repeated == again
    assert Edit.objects.count() == 2
    assert edit(keyed, talk, 0, 0, "Good evening  all.")["edit"] is None, "the same text is no change"
    edit(keyed, talk, 0, first["rev"], "x", 400, key="k" * 65)


def test_split_and_merge(keyed: Client, talk: Transcript) -> None:
    done = send(keyed, talk, "turns/0/split/", base_rev=0, before="Good evening all.", after="The brief is a remote.")
    left, right = done["changed"]
    assert (left["id"], left["text"], right["text"]) == (0, "Good evening all.", "The brief is a remote.")
    assert (left["end"], right["start"], right["speaker"]) == (1.7, 2.2, 1)
    assert left["words"][1] == ["evening", 0.9, 1.3, 1.0]
    send(keyed, talk, "turns/0/split/", base_rev=left["rev"], before=" ", after="All", status=400)
    merged = send(keyed, talk, f"turns/{right['id']}/merge/", base_rev=right["rev"])
    assert merged["removed"] == [right["id"]]
    assert merged["changed"][0]["text"] == "Good evening all. The brief is a remote."
    send(keyed, talk, "turns/0/merge/", base_rev=merged["changed"][0]["rev"], status=409)
    undone = send(keyed, talk, "undo/")
    assert (undone["changed"][1]["id"], undone["changed"][1]["text"]) == (right["id"], "The brief is a remote.")


def test_who_speaks(keyed: Client, talk: Transcript) -> None:
    done = send(keyed, talk, "turns/1/speaker/", name="Priya")
    assert [speaker["name"] for speaker in done["speakers"]] == ["Speaker 1", "Speaker 2", "Priya"]
    priya = done["speakers"][2]["id"]
    assert (done["changed"][0]["speaker"], done["changed"][0]["words"]) == (priya, None)
    send(keyed, talk, "turns/0/speaker/", speaker=priya, scope="everywhere")
    send(keyed, talk, "turns/0/speaker/", speaker=99, status=404)
    send(keyed, talk, "turns/0/speaker/", status=400)
    named = send(keyed, talk, "", "patch", speakers={str(priya): "Priya Rao"})
    assert named["speakers"] == ["Speaker 1", "Speaker 2", "Priya Rao"]
    assert {segment["speaker"] for segment in named["segments"]} == {"Priya Rao"}
    send(keyed, talk, "", "patch", speakers={"1": "priya rao"}, status=409)
    send(keyed, talk, "", "patch", speakers={"77": "Nobody"}, status=404)
    send(keyed, talk, "turns/1/speaker/", speaker=2)
    merged = send(keyed, talk, "speakers/merge/", speaker=2, into=priya)
    assert [speaker["name"] for speaker in merged["speakers"]] == ["Speaker 1", "Priya Rao"]
    send(keyed, talk, "undo/")
    assert [each["speaker"] for each in turns(keyed, talk)["turns"]] == [priya, 2]
    send(keyed, talk, "turns/1/speaker/", speaker=None)
    assert turns(keyed, talk)["turns"][1]["speaker"] is None


def test_find_and_replace_is_one_step(keyed: Client, talk: Transcript) -> None:
    done = send(keyed, talk, "replace/", find="a", replace="one", whole_word=True)
    assert done["replaced"] == 2
    assert [each["text"] for each in done["changed"]] == [
        "Good morning all. The brief is one remote.",
        "Twelve fifty one unit.",
    ]
    assert send(keyed, talk, "replace/", find="GOOD", replace="Bad", match_case=True)["replaced"] == 0
    assert send(keyed, talk, "replace/", find="ONE", replace="a", turn=1)["replaced"] == 1
    send(keyed, talk, "undo/")
    undone = send(keyed, talk, "undo/")
    assert [each["text"] for each in undone["changed"]] == [
        "Good morning all. The brief is a remote.",
        "Twelve fifty a unit.",
    ]
    assert (undone["can_undo"], undone["can_redo"]) == (False, True)
    send(keyed, talk, "replace/", find=" ", replace="x", status=400)


def test_times_of_a_caption_never_reach_into_another(keyed: Client, talk: Transcript) -> None:
    wish: dict[str, Any] = {"base_rev": 0, "first": 0, "last": 2, "start": 0.0, "end": 2.1}
    done = send(keyed, talk, "turns/0/times/", **wish)
    assert done["changed"][0]["words"][:3] == [
        ["Good", 0.0, 0.7, 0.9],
        ["morning", 0.7, 1.4, 0.9],
        ["all.", 1.4, 2.1, 0.9],
    ]
    assert done["changed"][0]["start"] == 0.0
    rev = done["changed"][0]["rev"]
    too_far = send(keyed, talk, "turns/0/times/", status=409, **{**wish, "base_rev": rev, "end": 2.5})
    assert "from 0.000 s to 2.200 s" in too_far["error"]
    send(keyed, talk, "turns/0/times/", status=400, **{**wish, "base_rev": rev, "end": 0.05})
    send(keyed, talk, "turns/0/times/", status=400, **{**wish, "base_rev": rev, "last": 40})


def test_doubtful_words_can_be_accepted(keyed: Client, talk: Transcript) -> None:
    body = json.dumps({"base_rev": 0, "accept": [1, 4]})
    done = keyed.patch(at(talk, "turns/0/"), body, "application/json").json()
    assert [word[3] for word in done["changed"][0]["words"]] == [0.9, 1.0, 0.9, 0.9, 1.0, 0.9, 0.9, 0.9]
    send(keyed, talk, "turns/0/", "patch", base_rev=done["rev"], accept=[8], status=400)
    send(keyed, talk, "turns/0/", "patch", base_rev=done["rev"], status=400)


@pytest.mark.parametrize("name", FORMATS)
def test_every_export_shows_the_edit(keyed: Client, talk: Transcript, name: str) -> None:
    def words() -> str:
        body = keyed.get(at(talk, f"export/{name}/")).content
        if name == "docx":
            return zipfile.ZipFile(io.BytesIO(body)).read("word/document.xml").decode()
        return body.decode(errors="replace") if name != "pdf" else str(len(body))

    before = words()
    edit(keyed, talk, 0, 0, "Good zanzibar to you and all of the others here. The brief is a remote.")
    after = words()
    assert "zanzibar" in after if name != "pdf" else before != after
    send(keyed, talk, "undo/")
    assert words() == before


def test_history_diff_and_restore(keyed: Client, talk: Transcript) -> None:
    one = edit(keyed, talk, 0, 0, "Good evening all. The brief is a remote.")
    two = edit(keyed, talk, 1, 0, "Twelve fifteen a unit.")
    send(keyed, talk, "undo/")
    steps = keyed.get(at(talk, "history/")).json()
    assert [(s["number"], s["kind"], s["in_force"], s["by"]) for s in steps["results"]] == [
        (3, "undo", False, "Alice"),
        (2, "text", False, "Alice"),
        (1, "text", True, "Alice"),
    ]
    page = keyed.get(at(talk, "history/?limit=1&before=3")).json()
    assert ([step["number"] for step in page["results"]], page["next"]) == ([2], 2)
    step = keyed.get(at(talk, f"history/{one['edit']}/")).json()
    assert step["changes"][0]["diff"] == [["=", "Good"], ["-", "morning"], ["+", "evening"], ["=", "all."]]
    assert (step["changes"][0]["before"], step["changes"][0]["after"]) == ("Good morning all.", "Good evening all.")
    send(keyed, talk, "redo/")
    first = send(keyed, talk, "history/0/restore/")
    assert [each["text"] for each in first["changed"]] == [segment_text(TALK[:2]), "Twelve fifty a unit."]
    send(keyed, talk, f"history/{two['edit']}/restore/")
    assert [each["text"] for each in turns(keyed, talk)["turns"]][1] == "Twelve fifteen a unit."
    assert keyed.get(at(talk, "history/99/")).status_code == 404
    send(keyed, talk, "history/99/restore/", status=404)


def segment_text(segments: Any) -> str:
    return " ".join(segment.text for segment in segments)


def test_search_finds_what_stands_there_now(keyed: Client, talk: Transcript, alice: User) -> None:
    edit(keyed, talk, 0, 0, "Good zanzibar all. The brief is a remote.")
    index.make(talk.pk)
    assert [each.pk for each in selectors.transcripts_for(alice, query="zanzibar")] == [talk.pk]
    assert not selectors.transcripts_for(alice, query="morning")
    send(keyed, talk, "undo/")
    index.make(talk.pk)
    assert [each.pk for each in selectors.transcripts_for(alice, query="morning")] == [talk.pk]


def test_title_and_tags(keyed: Client, talk: Transcript) -> None:
    changed = send(keyed, talk, "", "patch", title="Weekly", tags=["Planning", "planning", " hard  ware "])
    assert (changed["title"], changed["tags"]) == ("Weekly", ["Planning", "hard ware"])
    assert keyed.get("/api/v1/transcripts/tags/").json()["results"] == [
        {"name": "Planning", "count": 1},
        {"name": "hard ware", "count": 1},
    ]
    send(keyed, talk, "", "patch", status=400)
    send(keyed, talk, "", "patch", tags=["x" * 51], status=400)
    assert send(keyed, talk, "", "patch", tags=[])["tags"] == []


def test_the_trash_keeps_for_a_week(keyed: Client, talk: Transcript, alice: User, clock: Any) -> None:
    edit(keyed, talk, 0, 0, "Good evening all.")
    assert keyed.post(at(talk, "trash/")).status_code == 204
    for path in ("", "turns/", "history/", "versions/", "export/txt/"):
        assert keyed.get(at(talk, path)).status_code == 404
    edit(keyed, talk, 0, 1, "x", 404)
    assert keyed.get("/api/v1/transcripts/").json()["count"] == 0
    (thrown,) = keyed.get("/api/v1/transcripts/trash/").json()["results"]
    assert (thrown["slug"], thrown["purge_at"][:10]) == (talk.slug, "2026-11-28")
    assert send(keyed, talk, "restore/")["text"].startswith("Good evening all.")
    assert keyed.post(at(talk, "restore/")).status_code == 404
    keyed.post(at(talk, "trash/"))
    clock.advance(days=6, hours=23)
    assert purge() == 0
    clock.advance(hours=2)
    assert purge() == 1
    assert not any(model.objects.exists() for model in (Transcript, Turn, Edit, Media))


def test_many_at_once(keyed: Client, talk: Transcript, alice: User, bob: User) -> None:
    other, foreign = stored(alice, segments=TALK), stored(bob, segments=TALK)
    ids = [talk.slug, str(other.pk), foreign.slug, "nothing"]

    def bulk(**wish: Any) -> Any:
        answer = keyed.post("/api/v1/transcripts/bulk/", {"ids": ids, **wish}, "application/json")
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert bulk(action="tag", tags=["keep"]) == {"done": ids[:2], "missing": ids[2:]}
    assert selectors.tags_of(alice) == [("keep", 2)]
    bulk(action="untag", tags=["Keep"])
    assert selectors.tags_of(alice) == []
    edit(keyed, talk, 0, 0, "Good zanzibar all.")
    wish = {"ids": ids, "format": "txt"}
    answer = keyed.post("/api/v1/transcripts/bulk/export/", wish, "application/json")
    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert sorted(archive.namelist()) == sorted([f"{talk.slug}.txt", f"{other.slug}.txt", "LEFT OUT.txt"])
    assert b"zanzibar" in archive.read(f"{talk.slug}.txt")
    assert bulk(action="trash")["done"] == ids[:2]
    assert bulk(action="trash")["done"] == []
    assert bulk(action="restore")["done"] == ids[:2]
    refused = keyed.post("/api/v1/transcripts/bulk/", {"ids": ids, "action": "tag"}, "application/json")
    assert refused.status_code == 400
    assert Transcript.objects.get(pk=foreign.pk).trashed_at is None


@pytest.fixture
def made(alice: User, keyed: Client, worker: None) -> Transcript:
    """By the stand-in engine, with its recording in storage."""
    assert transcribe(keyed).status_code == 200
    return Transcript.objects.get(owner=alice)


def test_a_further_run_is_a_version_and_overwrites_nothing(
    keyed: Client, made: Transcript, engine: StandInEngine
) -> None:
    edit(keyed, made, 0, 0, "Chunk zero, corrected. chunk 1 chunk 2")
    engine.chunks = 2
    accepted = send(keyed, made, "versions/", status=202, model="small")
    assert (accepted["number"], accepted["status"], accepted["current"]) == (2, "pending", False)
    send(keyed, made, "versions/", status=409)
    assert keyed.get(at(made)).json()["text"].startswith("Chunk zero, corrected. chunk 1 chunk 2")
    run_job(Job.objects.latest("pk").pk)
    assert Job.objects.latest("pk").charged_mc > 0
    now = keyed.get(at(made)).json()
    assert (now["version"], now["text"], now["edited_at"]) == (2, "chunk 0 chunk 1", None)
    listed = keyed.get(at(made, "versions/")).json()
    assert [(v["number"], v["edits"], v["current"]) for v in listed["results"]] == [(2, 0, True), (1, 1, False)]
    late = edit(keyed, made, 0, 1, "Meant for the other version", 409)
    assert late["turn"]["text"].startswith("chunk 0")
    back = send(keyed, made, "versions/1/restore/")
    assert (back["version"], back["text"][:22]) == (1, "Chunk zero, corrected.")
    assert send(keyed, made, "undo/")["can_undo"] is False
    assert TranscriptSegment.objects.filter(transcript=made, version=1).count() == 3
    send(keyed, made, "versions/7/restore/", status=404)
    keyed.delete(at(made))
    assert not any(model.objects.exists() for model in (Transcript, Job, Media))


def test_a_further_run_that_cannot_be_is_refused_and_changes_nothing(
    keyed: Client, made: Transcript, alice: User
) -> None:
    Media.objects.update(removed_at="2026-11-01T00:00:00Z")
    refused = send(keyed, made, "versions/", status=409)
    assert "no longer here" in refused["error"]
    Media.objects.update(removed_at=None)
    send(keyed, made, "versions/", status=400, model="nothing")
    with transaction.atomic():
        ledger.reserve(alice, "all of it", ledger.available_mc(alice), Work(Origin.API))
        send(keyed, made, "versions/", status=402)
        transaction.set_rollback(True)
    failed = send(keyed, made, "versions/", status=202)
    Job.objects.filter(pk=Job.objects.latest("pk").pk).update(state=JobState.FAILED, error_code="decode_failed")
    listed = keyed.get(at(made, "versions/")).json()["results"]
    assert [(v["number"], v["status"], v["current"]) for v in listed] == [(2, "failed", False), (1, "completed", True)]
    send(keyed, made, f"versions/{failed['number']}/restore/", status=409)
    assert keyed.get(at(made)).json()["status"] == "completed"


def test_speakers_told_apart_anew_leave_the_edits(keyed: Client, made: Transcript, engine: StandInEngine) -> None:
    edit(keyed, made, 0, 0, "Chunk zero, corrected. chunk 1 chunk 2")
    engine.diarizer = "embedded"
    made.refresh_from_db()
    labels.order(made, Options(diarize=True, speakers=2))
    labels.label(made.pk)
    now = keyed.get(at(made)).json()
    assert (now["version"], now["speakers"], now["labelling"]) == (2, ["Speaker 1", "Speaker 2"], False)
    assert now["text"].startswith("Chunk zero, corrected. chunk 1 chunk 2")
    assert send(keyed, made, "versions/1/restore/")["speakers"] == []
    assert send(keyed, made, "undo/")["can_redo"] is True


def test_an_edit_of_three_hours_touches_its_turn_alone(keyed: Client, alice: User) -> None:
    """28,000 words, 2,000 sentences."""
    sentence = "the remote is a thing that people lose and nobody has ever found again"
    long = stored(
        alice, segments=[spoken(sentence, 6.0 * at, speaker=f"Speaker {at // 7 % 3 + 1}") for at in range(2000)]
    )
    first = keyed.get(at(long, "turns/")).json()["turns"]
    edit(keyed, long, 5, 0, first[5]["text"].replace("remote", "control", 1))
    others = list(Turn.objects.exclude(key=7).values_list("pk", "rev", "text"))
    corrected = first[7]["text"].replace("nobody", "somebody", 1)
    with CaptureQueriesContext(connection) as typing:
        done = edit(keyed, long, 7, 0, corrected)
    halves = {"before": corrected[:69], "after": corrected[69:]}
    with CaptureQueriesContext(connection) as parting:
        send(keyed, long, "turns/7/split/", base_rev=done["rev"], **halves)
    for queries in (typing, parting):
        written = [each["sql"] for each in queries if each["sql"].startswith('INSERT INTO "transcripts_turn"')]
        assert len(written) == 1
        assert len(written[0]) < 60_000
        assert len(queries) < 30
    assert list(Turn.objects.filter(pk__in=[pk for pk, *_ in others]).values_list("pk", "rev", "text")) == others
    assert Turn.objects.count() == len(first) + 1
    assert all(len(json.dumps(changes)) < 20_000 for changes in Edit.objects.values_list("changes", flat=True))


def test_what_a_run_says_is_what_a_version_keeps() -> None:
    said = closing.shown(engine_types.Transcript("", None, 0.0, 0.0, (), "m"), 0)
    assert set(said) == set(versions.SHOWN)


def test_the_owner_takes_the_history_along(keyed: Client, made: Transcript, alice: User) -> None:
    edit(keyed, made, 0, 0, "Chunk zero, corrected. chunk 1 chunk 2")
    send(keyed, made, "versions/", status=202)
    run_job(Job.objects.latest("pk").pk)
    file = zipfile.ZipFile(io.BytesIO(b"".join(archive(alice, recordings=False))))
    folder = f"transcripts/{made.slug}"
    (step,) = json.loads(file.read(f"{folder}/history.json"))
    assert (step["kind"], step["version__number"]) == ("text", 1)
    assert "corrected" in file.read(f"{folder}/version-1.json").decode()
    assert "corrected" not in file.read(f"{folder}/transcript.json").decode()
