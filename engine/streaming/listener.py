"""From samples to settled text, in bounded memory.

Utterances are found by the detector alone and each is recognised on its own, so what one says follows from its own
samples: the same stream gives the same finals, whether or not an engine died in between. Time is counted in samples.
A final text is asked for at the first short pause; when the end is confirmed it is there already.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from engine.keywords import Vocabulary
from engine.streaming.agreement import Agreement
from engine.streaming.cut import best_cut, joined, one_segment, parted
from engine.streaming.ears import Attention, Ears, Said, Stretch, Text, doubtful, settled
from engine.streaming.endpoint import Endpointer
from engine.streaming.events import (
    Final,
    Finalized,
    Heard,
    LiveEvent,
    LiveOptions,
    Partial,
    Reason,
    Refined,
    SpeechEnded,
    SpeechStarted,
    Warned,
    updated,
)
from engine.streaming.load import Load
from engine.streaming.tape import Pcm, Tape
from engine.types import SAMPLE_RATE, Notice, Span
from engine.vad import FRAME, SpeechDetector, total
from engine.words import SENTENCE_MARKS

Ask = Callable[["Future[Said]", Callable[[Said], None]], None]
"""Have a function called, in the session's thread, with what a future brings."""

PREROLL = 320 * SAMPLE_RATE // 1000
"""Kept before confirmed speech: a word may begin softly."""
SPECULATE = 128 * SAMPLE_RATE // 1000
"""So much silence is worth a final text."""
FULL = 12 * SAMPLE_RATE
"""An utterance without a pause is cut behind this much, between words."""
LIMIT = 25 * SAMPLE_RATE
"""More of an utterance is not taken in before it has been cut."""
SOON = 128 * SAMPLE_RATE // 1000
"""Between two looks before anything has been understood: the first word should be seen as soon as it can be."""
ENOUGH, SURE = 1.5, 0.8
"""So many seconds of speech, at this probability, settle the language for the rest of the stream."""
DEGRADED = Notice(
    "degraded", "The server is busy: interim text is left out for now. Final text comes late, but none is lost."
)
MOST_BEHIND = 4
"""Utterances whose text is still awaited; no more audio is looked at before there are fewer."""


@dataclass(eq=False, slots=True)
class _Utterance:
    number: int
    start: int
    agreement: Agreement
    attention: Attention = field(default_factory=Attention)
    speech: list[Span] = field(default_factory=list)
    """Stretches of speech that are over, in seconds."""
    looked: int = 0
    """How far the last look went."""
    looking: bool = False
    early: "tuple[int, Future[Said]] | None" = None
    """A final text asked for at a pause, and the sample up to which."""
    cutting: bool = False
    end: int | None = None
    """What belongs to it ends here; None while it goes on."""
    reason: Reason = "endpoint"
    asked: bool = False
    """Is its final text asked for?"""
    stretch: Stretch | None = None
    text: Text | None = None


class Listener:
    """Not thread-safe. `emit` gets events in order; `ask` brings answers back into the same thread."""

    def __init__(self, ears: Ears, emit: Callable[[LiveEvent], None], ask: Ask, load: Load) -> None:
        options = ears.options
        self._options, self._ears, self._emit, self._ask, self._load = options, ears, emit, ask, load
        self._tape = Tape(options.start)
        self._detector = SpeechDetector()
        self._ends = Endpointer(options.start)
        self._vocabulary = Vocabulary(options.keywords)
        self._language = options.language
        self._open: _Utterance | None = None
        self._closing: deque[_Utterance | str] = deque()
        """Utterances that are over, and marks, in order: said as soon as what is before them has been."""
        self._count = 0
        self._free_from = options.start
        """Samples before it belong to earlier utterances."""
        self._speaking_since = options.start
        self._told = options.start
        self._finishing = False
        self._refining = 0
        self._degraded = False

    @property
    def done(self) -> bool:
        return self._finishing and not self._closing and not self._refining

    @property
    def behind(self) -> bool:
        utterances = sum(1 for item in self._closing if isinstance(item, _Utterance))
        one = self._open
        waits = one is not None and (one.cutting or one.looking) and self._tape.end - one.start >= LIMIT
        return utterances > MOST_BEHIND or waits

    def hear(self, pcm: Pcm) -> None:
        self._tape.write(pcm)
        whole = (self._tape.end - self._ends.at) // FRAME * FRAME
        if whole:
            for probability in self._detector.probabilities(self._tape.read(self._ends.at, self._ends.at + whole)):
                self._frame(probability)
        self._tape.forget(self._needed())
        if self._tape.end - self._told >= SAMPLE_RATE:
            self._told = self._tape.end
            self._emit(Heard(self._tape.end, self._needed()))

    def mark(self, name: str) -> None:
        self._close_open("finalize")
        self._closing.append(name)
        self._say()

    def update(self, options: LiveOptions) -> None:
        self._options = updated(self._options, options)
        self._vocabulary = Vocabulary(options.keywords)
        self._language = options.language
        self._ears.heed(self._options)

    def finish(self) -> None:
        """No more audio comes."""
        self._close_open("stop")
        self._finishing = True
        self._say()

    # What the detector says.

    def _frame(self, probability: float) -> None:
        changed = self._ends.push(probability)
        match self._ends.state:
            case "silence":
                return
            case "speech":
                if changed:
                    self._speech_began()
                self._go_on()
            case "pause":
                if changed and self._open is not None:
                    self._open.speech.append(self._spoken(self._open, self._ends.quiet_since))
                self._pause()

    def _speech_began(self) -> None:
        self._speaking_since = self._ends.began
        if self._open is None:
            self._watch_load()
            self._begin(max(self._free_from, self._ends.began - PREROLL))
            self._emit(SpeechStarted(self._ends.began / SAMPLE_RATE))
        elif self._open.early is not None:
            # It was a pause only; what was asked for tells how the utterance began.
            _, early = self._open.early
            self._open.early = None
            if early.done() and not early.exception():
                self._hypothesis(self._open, early.result(), hold_last=False)

    def _begin(self, start: int) -> None:
        self._open = _Utterance(self._count, start, Agreement(self._language), looked=start)
        self._count += 1

    def _go_on(self) -> None:
        one = self._open
        assert one is not None
        if one.looking or one.cutting:
            return
        if self._ends.at - one.start >= FULL:
            one.cutting = True
            stretch = self._stretch(one, self._ends.at)
            self._ask(self._ears.listen(one.attention, stretch), partial(self._cut, one, stretch))
        elif self._ends.at - one.looked >= self._load.step(self._interval if one.agreement.text else SOON):
            self._look(one)

    @property
    def _interval(self) -> int:
        return self._options.partial_interval_ms * SAMPLE_RATE // 1000

    def _pause(self) -> None:
        one = self._open
        assert one is not None
        quiet = self._ends.quiet
        if quiet >= SPECULATE and one.early is None and not one.cutting and self._ears.speculates:
            stretch = self._stretch(one, self._ends.at)
            early = self._ears.listen(one.attention, stretch)
            one.early = (self._ends.at, early)
            self._ask(early, partial(self._early, one, stretch))
        complete = one.agreement.latest.rstrip().endswith(SENTENCE_MARKS)
        wanted = self._options.endpoint_ms if complete else self._options.max_endpoint_ms
        if quiet + FRAME // 2 >= wanted * SAMPLE_RATE // 1000:  # to the nearest frame
            self._close_open("endpoint")

    # What is asked of the recogniser.

    def _look(self, one: _Utterance) -> None:
        if self._degraded or not self._options.partials:
            return
        one.looking, one.looked = True, self._ends.at
        stretch = self._stretch(one, self._ends.at)
        self._ask(self._ears.look(one.attention, stretch), partial(self._looked, one, stretch))

    def _watch_load(self) -> None:
        before, self._degraded = self._degraded, self._load.degraded
        if self._degraded and not before:
            self._emit(Warned(DEGRADED))

    def _looked(self, one: _Utterance, stretch: Stretch, said: Said) -> None:
        one.looking = False
        self._heed(said, stretch)
        if one is self._open and said.text:
            self._hypothesis(one, said, hold_last=self._ends.state == "speech")
        self._ask_final(one)

    def _early(self, one: _Utterance, stretch: Stretch, said: Said) -> None:
        """What was asked for at a pause: the final text, where the pause was the end."""
        self._heed(said, stretch)
        still = one.early is not None and one.early[0] == stretch.end
        if one.end is not None and still:
            self._judge(one, stretch, said)
        elif one is self._open:
            self._hypothesis(one, said, hold_last=False)

    def _hypothesis(self, one: _Utterance, said: Said, *, hold_last: bool) -> None:
        before = one.agreement.text
        text = " ".join(segment.text for segment in said.text)
        if not text:
            return
        one.agreement.hear(text, hold_last=hold_last)
        if self._options.partials and one.agreement.text != before:
            where = (one.start / SAMPLE_RATE, self._ends.at / SAMPLE_RATE)
            self._emit(Partial(one.agreement.text, one.agreement.stable_characters, *where))

    def _cut(self, one: _Utterance, stretch: Stretch, said: Said) -> None:
        """A long utterance loses its beginning, which becomes an utterance of its own."""
        self._heed(said, stretch)
        one.cutting = False
        text = settled(said, None, stretch, self._options, self._vocabulary)
        at = round(best_cut(text, stretch.start / SAMPLE_RATE, stretch.end / SAMPLE_RATE) * SAMPLE_RATE)
        first, rest = parted(text, at / SAMPLE_RATE)
        head = replace(one, agreement=one.agreement, end=at, reason="length", asked=True, stretch=stretch, text=first)
        one.number, one.start, one.looked = self._count, at, max(one.looked, at)
        self._count += 1
        one.speech = [span for span in one.speech if span.end > at / SAMPLE_RATE]
        one.attention, one.early = Attention(), None
        one.agreement = Agreement(self._language)
        one.agreement.hear(joined(rest), hold_last=True)
        self._insert_before(one, head)
        self._say()
        self._ask_final(one)

    def _insert_before(self, one: _Utterance, head: _Utterance) -> None:
        if one in self._closing:
            self._closing.insert(self._closing.index(one), head)
        else:
            self._closing.append(head)

    def _close_open(self, reason: Reason) -> None:
        """The open utterance is over, at the last sample where the caller wants it so."""
        if self._open is None and self._ends.undecided and reason != "endpoint":
            self._begin(max(self._free_from, self._ends.began - PREROLL))
            self._speaking_since = self._ends.began
        one, self._open = self._open, None
        if one is not None:
            if self._ends.state != "pause":
                one.speech.append(self._spoken(one, self._tape.end))
            one.end = self._ends.at if reason == "endpoint" else self._tape.end
            one.reason, self._free_from = reason, one.end
            self._closing.append(one)
            self._ask_final(one)
        self._ends.reset()

    def _ask_final(self, one: _Utterance) -> None:
        waits = one.cutting or (one.looking and not self._ears.speculates)
        if one.end is None or one.asked or waits:
            return
        one.asked = True
        if one.early is None:
            stretch = self._stretch(one, one.end)
            self._ask(self._ears.listen(one.attention, stretch), partial(self._judge, one, stretch))
        elif one.early[1].done():
            self._judge(one, self._stretch(one, one.early[0]), one.early[1].result())

    def _judge(self, one: _Utterance, stretch: Stretch, said: Said) -> None:
        self._heed(said, stretch)
        if one.stretch is not None:
            return
        language = stretch.language or (said.guess.language if said.guess else self._language)
        one.stretch = stretch = replace(stretch, language=language)
        if said.text and doubtful(said, stretch, self._options):
            self._ask(self._ears.again(stretch), lambda second: self._settle(one, stretch, said, second))
        else:
            self._settle(one, stretch, said, None)

    def _settle(self, one: _Utterance, stretch: Stretch, first: Said, second: Said | None) -> None:
        one.text = settled(first, second, stretch, self._options, self._vocabulary)
        self._say()

    def _heed(self, said: Said, stretch: Stretch) -> None:
        """A language that was listened for long enough, and is sure enough, is the stream's."""
        guess = said.guess
        if self._language is None and guess and guess.probability >= SURE and total(stretch.speech) >= ENOUGH:
            self._language = guess.language

    # What is said, in order.

    def _say(self) -> None:
        while self._closing:
            first = self._closing[0]
            if isinstance(first, str):
                self._closing.popleft()
                self._emit(Finalized(first))
            elif first.text is not None:
                self._closing.popleft()
                self._publish(first, first.text)
            else:
                return

    def _publish(self, one: _Utterance, text: Text) -> None:
        needed = self._needed()
        if text:
            self._emit(Final(one.number, one_segment(text), one.reason, needed))
            if self._options.refine and one.stretch is not None:
                self._refine(one, one.stretch)
        elif one.agreement.text and self._options.partials:
            where = one.start / SAMPLE_RATE
            self._emit(Partial("", 0, where, where))
        if one.reason != "length":
            self._emit(SpeechEnded((one.end or self._ends.at) / SAMPLE_RATE, needed))

    def _refine(self, one: _Utterance, stretch: Stretch) -> None:
        self._refining += 1

        def refined(said: Said) -> None:
            self._refining -= 1
            text = joined(settled(said, None, stretch, self._options, self._vocabulary))
            self._emit(Refined(one.number, text))

        self._ask(self._ears.again(stretch), refined)

    def _needed(self) -> int:
        """From where on samples may be wanted again."""
        waiting = [item.start for item in self._closing if isinstance(item, _Utterance)]
        if self._open is not None:
            waiting.append(self._open.start)
        idle = max(self._free_from, min(self._ends.began, self._ends.at) - PREROLL - 2 * FRAME)
        return min([*waiting, idle, self._ends.at])

    def _stretch(self, one: _Utterance, end: int) -> Stretch:
        speech = list(one.speech)
        if one is self._open and self._ends.state == "speech":
            speech.append(self._spoken(one, end))
        return Stretch(self._tape.read(one.start, end), one.start, tuple(speech), self._language)

    def _spoken(self, one: _Utterance, end: int) -> Span:
        return Span(max(self._speaking_since, one.start) / SAMPLE_RATE, end / SAMPLE_RATE)
