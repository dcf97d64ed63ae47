"""Questions to recordings. An answer rests on passages that were found for its asker alone: a language model, where
there is one, is shown those and nothing else; where there is none, their own sentences are the answer."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from accounts.models import User
from engine.text.types import Message
from stt_site.lib.db import release_connection
from stt_site.lib.errors import ErrorCode, ServiceError
from stt_site.lib.ids import new_id
from transcripts import search
from transcripts.full_text import Scope
from transcripts.models import ChatSession, ChatTurn, Index, JobState, Passage, Transcript
from transcripts.search import Hit
from transcripts.services import language_model
from transcripts.services.chat import sources as evidence
from transcripts.services.chat.cleaning import cleaned, inert
from transcripts.services.chat.sources import Source
from transcripts.services.insights.source import capped
from transcripts.services.prompts import prompt, quoted

NOT_HERE = "That is not in this recording."
NOT_THERE = "That is not in these recordings."
LONGEST_QUESTION = 2_000
MOST_TRANSCRIPTS = 20
MOST_TOKENS = 600
"""Of an answer."""
REMEMBERED = 3
"""Earlier questions of a session that the model is told of, with the beginnings of their answers."""
REMEMBERED_LETTERS = 500
MOST_SENTENCES = 3
NEARLY_AS_GOOD = 0.75
"""What share of the best score a sentence must have to stand beside it."""


@dataclass(frozen=True, slots=True)
class Found:
    """First of all: what the answer will rest on, the nearest first. Nothing: there is no answer."""

    session: str
    sources: list[Source]


@dataclass(frozen=True, slots=True)
class Piece:
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """`answer` is the pieces put together. `model` wrote it; empty: it is the recording's own words."""

    session: str
    answer: str
    sources: list[Source]
    model: str


ChatEvent = Found | Piece | Done


@dataclass(frozen=True, slots=True)
class _Asked:
    user: User
    transcripts: Sequence[Transcript] | None
    question: str
    session: ChatSession | None
    name: str
    """Of the session, also of one that is made when there is an answer."""

    @property
    def nothing(self) -> str:
        return NOT_HERE if self.transcripts is not None and len(self.transcripts) == 1 else NOT_THERE


def ask(
    user: User,
    transcripts: Sequence[Transcript] | None,
    question: str,
    session: str = "",
    *,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[ChatEvent]:
    """`transcripts` are the user's; None: all of them. What cannot be answered is refused at once: INVALID_REQUEST,
    FILE_TOO_LARGE, NOT_FOUND, NOT_READY, MODEL_UNAVAILABLE. `stop` is asked between pieces; closing does the same."""
    capped(question, LONGEST_QUESTION, "question")
    question = " ".join(question.replace("\0", " ").split())
    if not question:
        raise ServiceError(ErrorCode.INVALID_REQUEST, "Send a `question` that is not blank. Nothing was charged.")
    _check(transcripts)
    known = _session(user, transcripts, session) if session else None
    asked = _Asked(user, transcripts, question, known, session or f"cs_{new_id(22)}")
    scope = Scope(user, named=[each.pk for each in transcripts or ()])
    hits = search.look(scope, question, limit=evidence.MOST)
    return _answer(asked, hits if evidence.answers(hits) else [], stop)


def sessions_of(user: User, transcript: Transcript | None = None) -> QuerySet[ChatSession]:
    """Last asked first; with `transcript`, those about it alone."""
    mine = ChatSession.objects.filter(owner=user).prefetch_related("turns", "transcripts").order_by("-asked_at", "-pk")
    if transcript is None:
        return mine
    alone = mine.annotate(about=Count("transcripts", distinct=True)).filter(about=1)
    return alone.filter(pk__in=ChatSession.objects.filter(transcripts=transcript).values("pk"))


def session_of(user: User, name: str) -> ChatSession:
    """Raises NOT_FOUND, for another's too."""
    found = sessions_of(user).filter(public_id=name).first() if name.isprintable() else None
    if found is None:
        raise ServiceError(ErrorCode.NOT_FOUND, "There is no such conversation, or it is not yours.")
    return found


def delete(session: ChatSession) -> None:
    session.delete()


def forget(transcript: Transcript) -> None:
    """With a transcript goes all that was said about it."""
    ChatSession.objects.filter(transcripts=transcript).delete()
    ChatTurn.objects.filter(quoted=transcript).delete()


def _check(transcripts: Sequence[Transcript] | None) -> None:
    if transcripts is None:
        return
    if not 0 < len(transcripts) <= MOST_TRANSCRIPTS:
        message = f'Name 1 to {MOST_TRANSCRIPTS} transcripts, or "all". Nothing was charged.'
        raise ServiceError(ErrorCode.INVALID_REQUEST, message)
    if any(each.job.state != JobState.SUCCEEDED for each in transcripts):
        raise ServiceError(ErrorCode.NOT_READY)
    numbers = [each.pk for each in transcripts]
    waiting = Index.objects.filter(pk__in=numbers, due_at__isnull=False, stamp="").exists()
    if waiting and not Passage.objects.filter(transcript__in=numbers).exists():
        message = "The text is being prepared for questions. Ask again in a moment."
        raise ServiceError(ErrorCode.NOT_READY, message, retry_after=2)


def _session(user: User, transcripts: Sequence[Transcript] | None, name: str) -> ChatSession:
    found = session_of(user, name)
    about = {each.pk for each in found.transcripts.all()}
    if found.everything != (transcripts is None) or about != {each.pk for each in transcripts or ()}:
        raise ServiceError(ErrorCode.NOT_FOUND, "There is no such conversation about this, or it is not yours.")
    return found


def _answer(asked: _Asked, hits: Sequence[Hit], stop: Callable[[], bool]) -> Generator[ChatEvent]:
    found = evidence.sources(hits)
    yield Found(asked.name, found)
    model = (language_model.name() or "") if hits else ""
    said = ""
    with closing(_written(asked, hits) if model else _quoted(asked, hits)) as pieces:
        for piece in pieces:
            if stop():
                raise ServiceError(ErrorCode.CLIENT_CLOSED_REQUEST)
            said += piece
            yield Piece(piece)
    _keep(asked, said.strip(), found, hits, model)
    yield Done(asked.name, said.strip(), found, model)


def _quoted(asked: _Asked, hits: Sequence[Hit]) -> Generator[str]:
    """The sentences themselves, to the letter."""
    if not hits:
        yield asked.nothing
    several = asked.transcripts is None or len(asked.transcripts) > 1
    near = [hit for hit in hits if hit.score >= NEARLY_AS_GOOD * hits[0].score][:MOST_SENTENCES]
    for at, hit in enumerate(near):
        title = f" ({hit.transcript.title})" if several else ""
        yield ("\n" if at else "") + inert(evidence.sentence(hit)) + title


def _written(asked: _Asked, hits: Sequence[Hit]) -> Generator[str]:
    several = asked.transcripts is None or len(asked.transcripts) > 1
    shown = quoted(evidence.quoted(hits, titles=several))
    messages: list[Message] = [{"role": "system", "content": prompt("chat", nothing=asked.nothing)}]
    messages += _earlier(asked.session)
    messages += [{"role": "user", "content": prompt("chat_question", passages=shown, question=asked.question)}]
    release_connection()
    written = language_model.stream(messages, most_tokens=MOST_TOKENS)
    return language_model.something(cleaned(written, evidence.times(hits)))


def _earlier(session: ChatSession | None) -> list[Message]:
    turns = list(session.turns.order_by("-pk")[:REMEMBERED]) if session else []
    messages: list[Message] = []
    for turn in reversed(turns):
        messages += [
            {"role": "user", "content": turn.question[:REMEMBERED_LETTERS]},
            {"role": "assistant", "content": turn.answer[:REMEMBERED_LETTERS]},
        ]
    return messages


@transaction.atomic
def _keep(asked: _Asked, answer: str, found: Sequence[Source], hits: Sequence[Hit], model: str) -> None:
    """Raises NOT_FOUND where what it is about went meanwhile."""
    live = Transcript.objects.select_for_update().filter(owner=asked.user, trashed_at=None)
    about = {each.pk for each in asked.transcripts or ()}
    used = about | {hit.transcript.pk for hit in hits}
    if live.filter(pk__in=used).count() != len(used):
        raise ServiceError(ErrorCode.NOT_FOUND, "A transcript was deleted meanwhile. The answer was not kept.")
    session, made = ChatSession.objects.get_or_create(
        public_id=asked.name,
        owner=asked.user,
        defaults={"everything": asked.transcripts is None, "asked_at": timezone.now()},
    )
    if made:
        session.transcripts.set(about)
    ChatSession.objects.filter(pk=session.pk).update(asked_at=timezone.now())
    turn = ChatTurn.objects.create(
        session=session, question=asked.question, answer=answer, sources=evidence.as_json(found), model=model[:128]
    )
    turn.quoted.set({hit.transcript.pk for hit in hits})
