"""The pages of live captions, and what is kept of a stream."""

import json
import re

import pytest
from django.test import Client

from accounts.models import User
from tests.web import rows
from transcripts import selectors
from transcripts.streaming import audience

pytestmark = pytest.mark.django_db


def save(client: Client, session: str, **fields: object) -> tuple[int, dict[str, str]]:
    answer = client.post(f"/api/v1/streams/{session}/save/", json.dumps(fields), content_type="application/json")
    return answer.status_code, answer.json()


def program(key: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {key}"}, raise_request_exception=False)


def test_what_was_said_becomes_a_transcript_once(alice: User, alice_key: str) -> None:
    stream = rows.captions(alice, "Open the red door.", "Play my music.")
    status, saved = save(program(alice_key), stream.public_id, title="Doors")
    assert (status, saved["title"]) == (200, "Doors")
    whole = selectors.document(selectors.transcript_for(alice, saved["id"]))
    assert whole.text == "Open the red door. Play my music."
    assert [segment.start for segment in whole.segments] == [0.0, 1.0]
    assert save(program(alice_key), stream.public_id) == (200, saved)


def test_a_stream_that_goes_on_is_not_saved(alice: User, alice_key: str) -> None:
    stream = rows.captions(alice, "Open the red door.", ended=False)
    status, said = save(program(alice_key), stream.public_id)
    assert status == 409
    assert "Stop it first" in said["error"]


@pytest.mark.parametrize("member", [True, False])
def test_the_link_for_readers_opens_the_room_and_does_not_tell_its_secret(
    client: Client, alice: User, member: bool
) -> None:
    if member:
        client.force_login(alice)
    pages = [client.get("/live/").content.decode() for _ in range(2)]
    rooms = [re.findall(r'data-room="([^"]+)"', page)[0] for page in pages]
    assert (rooms[0] == rooms[1]) is member
    assert f"/live/view/#{audience.view_token(rooms[0])}" in pages[0]
    assert rooms[0] not in client.get("/live/view/").content.decode()
    assert ("Save as transcript" in pages[0]) is member
