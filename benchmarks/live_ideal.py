"""What finding the ends of speech costs by itself: the same listener on audio time, where answers take no time."""

from pathlib import Path

from benchmarks.live_client import FRAME, Final, Session, Shown
from benchmarks.quality import Recording
from engine.backends.whisper import WhisperRecognizer
from engine.config import EngineConfig
from engine.scheduler import Scheduler
from engine.streaming import events
from engine.streaming.ears import ears_for
from engine.streaming.events import LiveEvent, LiveOptions
from engine.streaming.listener import Listener
from engine.streaming.load import Load
from engine.types import SAMPLE_RATE


def ideal(model: Path, speech: Recording, endpoints: tuple[int, int]) -> Session:
    session, at = Session(), 0

    def said(event: LiveEvent) -> None:
        now, number = at / SAMPLE_RATE, len(session.finals) + 1
        match event:
            case events.Partial():
                session.shown.append(Shown(now, event.end, event.text, event.stable, number))
            case events.Final(segment=segment):
                session.finals.append(Final(now, segment.start, segment.end, segment.text, number))

    scheduler = Scheduler(lanes=2)
    recognizer = WhisperRecognizer(model, "benchmark", EngineConfig(models_dir=model))
    options = LiveOptions(language="en", endpoint_ms=endpoints[0], max_endpoint_ms=endpoints[1])
    ears = ears_for(recognizer, scheduler, options)
    listener = Listener(ears, said, lambda future, take: take(future.result()), Load())
    for at in range(FRAME, len(speech.samples) + FRAME, FRAME):
        listener.hear(speech.samples[at - FRAME : at])
    listener.finish()
    scheduler.close(timeout=10)
    return session
