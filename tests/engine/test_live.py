"""Live sessions on the real recognisers: what is said, when it is final, and what is never lost."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from engine.config import EngineConfig
from engine.errors import Cancelled, EngineGone, OutOfMemory, Overloaded, UnsupportedLanguage
from engine.local import LocalEngine
from engine.server import EngineServer
from engine.streaming import remote
from engine.streaming.embedded import EmbeddedListening
from engine.streaming.events import (
    Final,
    Finalized,
    Heard,
    LiveEvent,
    LiveOptions,
    Opened,
    Partial,
    Refined,
    SpeechEnded,
    SpeechStarted,
    Warned,
    event_from_dict,
    event_to_dict,
    live_options_from_dict,
)
from engine.streaming.listener import DEGRADED, FULL, LIMIT, PREROLL
from engine.streaming.remote import Listening
from engine.types import SAMPLE_RATE, Keyword, to_dict
from engine.vad import FRAME
from tests.engine.live import AGENT, Driven, Said, frames, listen, shown
from tests.engine.speech import ENGLISH, MICRO, SPANISH, TEXTS, Pcm, clip, noise, silence, spoken, talk


def an_engine(models: Any, **config: Any) -> LocalEngine:
    return LocalEngine(
        EngineConfig(models, device="cpu", fetch_models=False, decode_children=0, diarizer="off", **config)
    )


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    engine = an_engine(tmp_path_factory.mktemp("models"), default_model=str(MICRO))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def sphinx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    engine = an_engine(tmp_path_factory.mktemp("models"))
    yield engine
    engine.close()


def test_every_sentence_comes_once_in_order_with_its_times(engine: LocalEngine) -> None:
    pcm = talk(ENGLISH)
    said = listen(engine, pcm)
    assert said.text == spoken(ENGLISH)
    assert [final.utterance for final in said.finals] == list(range(len(ENGLISH)))
    words = [word for segment in said.segments for word in segment.words]
    assert all(0 <= word.start < word.end <= len(pcm) / SAMPLE_RATE for word in words)
    assert all(one.end <= other.start for one, other in itertools.pairwise(words))


def test_the_last_word_needs_no_silence_behind_it(engine: LocalEngine) -> None:
    for name in ENGLISH:
        assert listen(engine, np.concatenate([silence(0.4), clip(name)])).text == TEXTS[name]


def test_the_text_does_not_depend_on_how_the_audio_is_cut(engine: LocalEngine) -> None:
    pcm = talk(ENGLISH[:3])
    for length in (1, 2, 3):
        said = listen(engine, pcm, length=pow(7, length) * 11)
        assert said.text == spoken(ENGLISH[:3])


def test_an_utterance_grows_word_by_word_and_its_stable_part_stays(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(engine._load), "seconds", property(lambda _: 0.0))  # however busy the machine is
    driven = Driven(engine, AGENT)
    driven.follow(talk(["en_digits"]))
    said = driven.end()
    assert len(said.partials) >= 2
    stable = [partial.text[: partial.stable] for partial in said.partials]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(stable))
    assert said.text == TEXTS["en_digits"]


def test_the_language_is_found_and_then_settled(engine: LocalEngine) -> None:
    said = listen(engine, talk([*SPANISH]), replace(AGENT, language=None))
    assert said.text == spoken(SPANISH)
    assert {segment.language for segment in said.segments} == {"es"}
    among = listen(engine, talk(ENGLISH[:2]), replace(AGENT, language=None, languages=("es",)))
    assert {segment.language for segment in among.segments} == {"es"}


def test_noise_and_silence_say_nothing(engine: LocalEngine) -> None:
    said = listen(engine, np.concatenate([silence(3), noise(4), silence(1)]))
    assert said.finals == []
    assert shown(said)[-1:] in ([], [""])  # what was shown for a moment is taken back


def test_finalize_says_what_is_there_at_once(engine: LocalEngine) -> None:
    driven = Driven(engine, AGENT)
    driven.hear(np.concatenate([silence(0.4), clip("en_door")]))
    driven.session.finalize("here")
    driven.hear(np.concatenate([silence(0.4), clip("en_water")]))
    said = driven.end()
    marked = said.index(Finalized("here"))
    assert [event.segment.text for event in said[:marked] if isinstance(event, Final)] == [TEXTS["en_door"]]
    assert said.finals[0].reason == "finalize"
    assert said.finals[1].reason == "stop"
    assert said.text == spoken(["en_door", "en_water"])


def test_a_speech_without_pauses_is_cut_between_words(engine: LocalEngine) -> None:
    pcm = talk(ENGLISH * 3, pause=0.3)
    assert len(pcm) > 2 * FULL
    said = listen(engine, pcm, replace(AGENT, max_endpoint_ms=2000, endpoint_ms=2000))
    assert [final.reason for final in said.finals][-2:] == ["length", "stop"]
    assert max(segment.end - segment.start for segment in said.segments) <= LIMIT / SAMPLE_RATE
    assert said.text == spoken(ENGLISH * 3)
    times = [word for segment in said.segments for word in segment.words]
    assert all(one.start < other.start for one, other in itertools.pairwise(times))


def test_nothing_that_was_said_is_wanted_again(engine: LocalEngine) -> None:
    """Who replays the audio from `needed` on a new session gets the rest, and only the rest."""
    pcm = talk(ENGLISH)
    first = listen(engine, pcm[: len(pcm) // 2])
    done = [event for event in first if isinstance(event, Final) and event.reason == "endpoint"]
    needed = done[-1].needed
    second = listen(engine, pcm[needed:], replace(AGENT, start=needed))
    assert [final.segment.text for final in done] + [segment.text for segment in second.segments] == [
        TEXTS[name] for name in ENGLISH
    ]
    whole = listen(engine, pcm)
    assert [segment.start for segment in second.segments] == pytest.approx(
        [segment.start for segment in whole.segments[len(done) :]], abs=0.1
    )


def test_silence_is_not_kept(engine: LocalEngine) -> None:
    said = listen(engine, silence(20))
    heard = [event for event in said if isinstance(event, Heard)]
    assert len(heard) >= 19
    assert all(event.samples - event.needed <= PREROLL + 4 * FRAME for event in heard)


def test_keywords_reach_the_final_text(engine: LocalEngine) -> None:
    options = replace(AGENT, keywords=(Keyword("Muzic", 5.0),))
    [segment] = listen(engine, talk(["en_music"]), options).segments
    assert segment.text == "Play my Muzic."
    assert [word.original for word in segment.words] == [None, None, "music."]


def test_a_refined_text_follows_and_changes_nothing(engine: LocalEngine) -> None:
    said = listen(engine, talk(["en_door", "en_water"]), replace(AGENT, refine=True))
    refined = [event for event in said if isinstance(event, Refined)]
    # Each says which utterance it reads anew; on two lanes the shorter one may come first.
    assert {event.utterance: event.text for event in refined} == {0: TEXTS["en_door"], 1: TEXTS["en_water"]}
    assert said.text == spoken(["en_door", "en_water"])


def test_an_update_counts_from_the_next_utterance_on(engine: LocalEngine) -> None:
    driven = Driven(engine, AGENT)
    driven.hear(talk(["en_door"]))
    driven.session.finalize("switch")
    driven.session.update(replace(AGENT, language="es"))
    driven.hear(talk(["es_agua"]))
    assert [segment.language for segment in driven.end().segments] == ["en", "es"]


def test_speech_is_announced(engine: LocalEngine) -> None:
    said = listen(engine, talk(["en_door"]))
    kinds = [type(event) for event in said if not isinstance(event, Heard | Partial)]
    assert kinds == [Opened, SpeechStarted, Final, SpeechEnded]


def test_the_built_in_recogniser_has_partials_of_its_own(sphinx: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sphinx._load), "seconds", property(lambda _: 0.0))  # however busy the machine is
    driven = Driven(sphinx, replace(AGENT, language=None))
    driven.follow(talk(["en_music", "en_door"]))
    said = driven.end()
    assert isinstance(said[0], Opened)
    assert said[0].embedded
    assert said.partials
    assert len(said.finals) == 2
    assert said.segments[0].words


def test_what_the_model_cannot_do_is_refused(engine: LocalEngine, sphinx: LocalEngine) -> None:
    with pytest.raises(UnsupportedLanguage):
        Driven(sphinx, LiveOptions(language="fr")).join()


def test_a_fault_of_the_recogniser_ends_the_session(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    with engine.store.use(None, on_wait=lambda *_: None) as recognizer:
        broken = MemoryError("no room")
        monkeypatch.setattr(recognizer, "_generate", lambda *_: (_ for _ in ()).throw(broken), raising=True)
        driven = Driven(engine, AGENT)
        driven.hear(talk(["en_door"]))
        with pytest.raises(OutOfMemory):
            driven.end()
    monkeypatch.undo()
    assert listen(engine, talk(["en_door"])).text == TEXTS["en_door"]


def test_a_closed_session_ends_at_once_and_leaves_no_trace(engine: LocalEngine) -> None:
    driven = Driven(engine, AGENT)
    driven.hear(talk(["en_door"]))
    assert engine.status().live <= 1
    driven.session.close()
    with pytest.raises(Cancelled):
        driven.join()
    assert engine.status().live == 0


def test_a_busy_engine_takes_no_more_and_leaves_interim_text_out(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven = Driven(engine, AGENT)
    driven.hear(silence(0.1))
    monkeypatch.setattr(type(engine._load), "seconds", property(lambda _: 2.0))
    with pytest.raises(Overloaded):
        Driven(engine, AGENT).join()
    driven.hear(talk(["en_door", "en_water"]))
    said = driven.end()
    assert [event.notice for event in said if isinstance(event, Warned)] == [DEGRADED]
    assert said.partials == []
    assert said.text == spoken(["en_door", "en_water"])


def test_events_and_options_survive_the_wire() -> None:
    options = LiveOptions("m", "en", ("en", "es"), keywords=(Keyword("Acme", 5.0),), context=(("topic", "doors"),))
    assert live_options_from_dict(to_dict(options)) == options
    said: list[LiveEvent] = [Opened("m", None, embedded=False), Heard(16_000, 0), Finalized("x")]
    assert [event_from_dict(event_to_dict(event)) for event in said] == said


class Served(NamedTuple):
    socket: Path
    engine: LocalEngine


@pytest.fixture
def served(engine: LocalEngine, tmp_path: Path) -> Iterator[Served]:
    server = EngineServer(tmp_path / "engine.sock", engine)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield Served(tmp_path / "engine.sock", engine)
    server.stop()
    thread.join(20)


async def _over(listening: Listening, pcm: Pcm) -> Said:
    said = Said()

    async def hear() -> None:
        async for event in listening.events():
            said.append(event)

    hearing = asyncio.create_task(hear())
    for frame in frames(pcm):
        await listening.push(frame.tobytes())
    await listening.finalize("mark")
    await listening.stop()
    await hearing
    await listening.close()
    return said


@pytest.mark.asyncio
async def test_the_socket_says_what_the_engine_says(served: Served) -> None:
    pcm = talk(ENGLISH[:2])
    near = await _over(EmbeddedListening(served.engine, AGENT), pcm)
    far = await _over(await remote.listen(served.socket, AGENT), pcm)
    assert far.segments == near.segments
    assert far.text == spoken(ENGLISH[:2])
    assert far[-1] == Finalized("mark")


@pytest.mark.asyncio
async def test_several_streams_share_the_engine(served: Served) -> None:
    streams = [await remote.listen(served.socket, AGENT) for _ in range(4)]
    said = await asyncio.gather(*(_over(one, talk([name])) for one, name in zip(streams, ENGLISH, strict=False)))
    assert [one.text for one in said] == [TEXTS[name] for name in ENGLISH[:4]]


@pytest.mark.asyncio
async def test_refusals_come_over_the_socket(served: Served) -> None:
    listening = await remote.listen(served.socket, replace(AGENT, language="xx"))
    with pytest.raises(UnsupportedLanguage, match="xx"):
        await anext(listening.events())
    await listening.close()


@pytest.mark.asyncio
async def test_who_leaves_ends_the_session(served: Served) -> None:
    listening = await remote.listen(served.socket, AGENT)
    assert isinstance(await anext(listening.events()), Opened)
    assert served.engine.status().live == 1
    await listening.close()
    for _ in range(500):
        if not served.engine.status().live:
            break
        await asyncio.sleep(0.01)
    assert served.engine.status().live == 0


@pytest.mark.asyncio
async def test_an_engine_that_is_not_there_is_said_to_be_gone(tmp_path: Path) -> None:
    with pytest.raises(EngineGone):
        await remote.listen(tmp_path / "nobody.sock", AGENT)
