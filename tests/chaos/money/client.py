"""One client: sends recordings, repeats what got no answer, walks away, cancels, and buys minutes when they run out."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from tests.chaos.money.bank import Purse
from tests.chaos.money.http import Reply, Web, form

AGAIN_SECONDS = 5.0
"""A name whose first sender died is answered to the next one a minute later."""
BUY_EVERY = 2.0
LONGEST_THOUGHT = 0.6
"""Seconds between two wishes."""
TUS = {"Tus-Resumable": "1.0.0"}
FOR_NOW = {402, 429, 503, 507}
"""A finished upload waits for its sender, who asks again."""
NOTHING_ACCEPTED = {402, 409, 429, 499, 503, 507}


@dataclass
class Wish:
    """A recording under a name, which is its file's name and its Idempotency-Key."""

    name: str
    recording: str
    upload: str = ""
    """Of one that does not wait: the key of its finished upload."""
    again_at: float = 0.0


class Client(threading.Thread):
    def __init__(
        self,
        number: int,
        seed: int,
        web: Web,
        key: str,
        purse: Purse,
        recordings: Mapping[str, tuple[bytes, str]],
        enough: Callable[[], bool],
    ) -> None:
        """`recordings`: bytes and words by name. `enough` says when no new wish is made."""
        super().__init__(daemon=True, name=f"client {number}")
        self.chance = Random(f"{seed} {number}")
        self.wishes = 0
        self.unanswered: list[Wish] = []
        self.accepted: dict[str, str] = {}
        """The public name of what we were told is accepted or done, by wish."""
        self.counts: Counter[str] = Counter()
        self.complaints: list[str] = []
        self._number = number
        self._seed = seed
        self._web = web
        self._key = {"Authorization": f"Bearer {key}"}
        self._purse = purse
        self._recordings = recordings
        self._enough = enough
        self._bought_at = 0.0
        self._done: list[tuple[Wish, str]] = []

    def run(self) -> None:
        try:
            while not (self._enough() and not self.unanswered):
                self._step()
        except Exception as error:
            self.complaints.append(f"{self.name} broke: {error!r}")
            raise

    def _step(self) -> None:
        due = [wish for wish in self.unanswered if wish.again_at <= time.monotonic()]
        if due:
            self.unanswered.remove(due[0])
            self.counts["repeated"] += 1
            self._send(due[0])
        elif self._enough():
            time.sleep(0.2)
        elif self._done and self.chance.random() < 0.05:
            self._replay(*self.chance.choice(self._done[-20:]))
        else:
            time.sleep(self.chance.uniform(0.0, LONGEST_THOUGHT))
            self._wish()

    def _wish(self) -> None:
        self.wishes += 1
        wish = Wish(f"{self._seed}-{self._number}-{self.wishes}.wav", self.chance.choice(sorted(self._recordings)))
        if self.chance.random() < 0.5:
            self._send(wish)
            return
        upload = self._upload(wish)
        if upload:
            wish.upload = upload
            self._send(wish)
            if wish.name in self.accepted and self.chance.random() < 0.25:
                time.sleep(self.chance.uniform(0.0, 0.6))
                self._cancel(self.accepted[wish.name])

    def _upload(self, wish: Wish) -> str:
        """The key of a finished upload, or "": it is begun anew under another wish."""
        sound = self._recordings[wish.recording][0]
        named = base64.b64encode(wish.name.encode()).decode()
        about = {"Upload-Length": str(len(sound)), "Upload-Metadata": f"filename {named}"}
        begun = self._web.ask("POST", "/api/uploads/", b"", {**self._key, **TUS, **about})
        if begun is None or begun.status != 201:
            self._refused(begun, "upload")
            return ""
        path = begun.headers["location"]
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        sent = self._web.ask("PATCH", path, sound, {**self._key, **TUS, **kind})
        if sent is not None and sent.status == 204:
            return path.rpartition("/")[2]
        self._web.ask("DELETE", path, b"", {**self._key, **TUS})
        return ""

    def _send(self, wish: Wish) -> None:
        reply = self._ask(wish)
        if reply is None or (reply.status == 409 and "Idempotency-Key" in reply.body.decode()):
            wish.again_at = time.monotonic() + AGAIN_SECONDS
            self.unanswered.append(wish)
        elif reply.status in (200, 201):
            self._note(wish, reply)
        else:
            self._refused(reply, "wish")
            if wish.upload and reply.status in FOR_NOW:
                wish.again_at = time.monotonic() + 1.0
                self.unanswered.append(wish)

    def _ask(self, wish: Wish) -> Reply | None:
        named = {**self._key, "Idempotency-Key": wish.name}
        if wish.upload:
            body = json.dumps({"upload": wish.upload, "title": wish.name}).encode()
            return self._web.ask("POST", "/api/v1/transcripts/", body, {**named, "Content-Type": "application/json"})
        body, kind = form(wish.name, self._recordings[wish.recording][0])
        walks_away = self.chance.random() < 0.05
        self.counts["walked away"] += walks_away
        return self._web.ask("POST", "/v1/transcribe", body, {**named, **kind}, 0.3 if walks_away else 45.0)

    def _note(self, wish: Wish, reply: Reply) -> None:
        told = reply.json()
        self.counts["replayed"] += reply.is_replay
        self.accepted[wish.name] = told["public_id"] if wish.upload else told["transcript_id"]
        if not wish.upload:
            self._done.append((wish, told["transcript_id"]))
            if told["text"] != self._recordings[wish.recording][1]:
                self.complaints.append(f"{wish.name} was answered {told['text'][:80]!r}")

    def _replay(self, wish: Wish, first: str) -> None:
        """An answer that came is asked for again: it must be the same one."""
        reply = self._ask(wish)
        if reply is not None and reply.status == 200:
            self.counts["replayed"] += reply.is_replay
            if reply.json()["transcript_id"] != first:
                self.complaints.append(f"{wish.name} was answered twice, differently")

    def _cancel(self, name: str) -> None:
        reply = self._web.ask("POST", f"/api/v1/transcripts/{name}/cancel/", b"", self._key)
        self.counts["cancels asked"] += reply is not None and reply.status < 300

    def _refused(self, reply: Reply | None, what: str) -> None:
        if reply is None:
            return
        self.counts[f"{what} refused {reply.status}"] += 1
        if reply.status == 402 and time.monotonic() > self._bought_at + BUY_EVERY:
            self._bought_at = time.monotonic()
            self._purse.top_up()
        elif reply.status not in NOTHING_ACCEPTED:
            self.complaints.append(f"{what}: {reply.status} {reply.body[:200]!r}")
        time.sleep(0.1)
