"""Whose windows share a call, in which order, and what a failing one takes with it."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Cancelled, EngineGone, OutOfMemory
from engine.protocols import LanguageGuess, Request, Window
from engine.scheduler import PATIENCE, Door, Scheduler, Text
from engine.types import SAMPLE_RATE, Priority, Segment, Span

WAIT = 10.0
ENGLISH = Request("en", "transcribe", None, word_timestamps=True)
SPANISH = Request("es", "transcribe", None, word_timestamps=True)
TRANSLATED = Request("es", "translate", None, word_timestamps=True)


def window(name: str, seconds: float = 1.0) -> Window:
    return Window(np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32), (Span(0.0, seconds, name),))


def name_of(window: Window) -> str:
    return window.spans[0].reason


class Recorder:
    """Says each window's name, keeps what came together, fails where told to."""

    model = "recorder"
    languages = frozenset({"en", "es"})
    batch_windows = 4

    def __init__(self, call_windows: int = 4, *, memory: int = 1000, broken: str = "nothing") -> None:
        self.call_windows = call_windows
        self.memory, self.broken = memory, broken
        self.calls: list[list[str]] = []

    def kind(self, request: Request) -> tuple[str, int]:
        return request.task, len(request.prompt or "")

    def detect_language(self, windows: Sequence[Window]) -> LanguageGuess:
        return LanguageGuess("en", 1.0)

    def recognize(
        self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
    ) -> list[Text]:
        names = [name_of(window) for window in windows]
        self.calls.append(names)
        if cancelled():
            raise Cancelled
        if len(windows) > self.memory:
            raise RuntimeError("CUDA failed with error out of memory")
        if any(self.broken in name for name in names):
            raise LookupError("this one")
        return [
            (Segment(0.0, 1.0, f"{name} {request.language}"),) for name, request in zip(names, requests, strict=True)
        ]

    def recognize_again(self, window: Window, request: Request, cancelled: Callable[[], bool]) -> Text:
        return ()


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    yield scheduler
    scheduler.close(timeout=WAIT)


@pytest.fixture
def gate(scheduler: Scheduler) -> Iterator[threading.Event]:
    """The device is busy until this is set, so that what is submitted meanwhile has to line up."""
    with held(scheduler.door(Recorder(), "live_final")) as gate:
        yield gate


class held:  # noqa: N801
    def __init__(self, door: Door) -> None:
        self.door, self.gate, self.busy = door, threading.Event(), threading.Event()

    def __enter__(self) -> threading.Event:
        self.door.call(self._hold)
        assert self.busy.wait(WAIT)
        return self.gate

    def __exit__(self, *_: object) -> None:
        self.gate.set()

    def _hold(self) -> None:
        self.busy.set()
        self.gate.wait(WAIT)


def ask(door: Door, *names: str, request: Request = ENGLISH) -> "list[Future[Text]]":
    return door.recognize([window(name) for name in names], [request] * len(names))


def texts(futures: "Sequence[Future[Text]]") -> list[str]:
    return [future.result(WAIT)[0].text for future in futures]


def test_a_call_is_filled_across_runs_and_tenants(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder(call_windows=4)
    futures = []
    for name in ("a", "b", "c", "d"):
        futures += ask(scheduler.door(recorder, "bulk", tenant=name), f"{name}1", f"{name}2")
    gate.set()
    assert texts(futures) == ["a1 en", "a2 en", "b1 en", "b2 en", "c1 en", "c2 en", "d1 en", "d2 en"]
    assert [sorted(call) for call in recorder.calls] == [["a1", "b1", "c1", "d1"], ["a2", "b2", "c2", "d2"]]


def test_languages_share_a_call_but_tasks_prompts_and_models_do_not(
    scheduler: Scheduler, gate: threading.Event
) -> None:
    recorder, other = Recorder(), Recorder()
    prompted = Request("en", "transcribe", "Anna", word_timestamps=True)
    asked = [
        (recorder, "english", ENGLISH),
        (recorder, "translated", TRANSLATED),
        (other, "elsewhere", ENGLISH),
        (recorder, "prompted", prompted),
        (recorder, "spanish", SPANISH),
    ]
    futures = [ask(scheduler.door(model, "bulk"), name, request=request)[0] for model, name, request in asked]
    gate.set()
    assert texts(futures) == ["english en", "translated es", "elsewhere en", "prompted en", "spanish es"]
    assert recorder.calls == [["english", "spanish"], ["translated"], ["prompted"]]
    assert other.calls == [["elsewhere"]]


def test_the_rest_of_a_call_is_like_its_first_in_length(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder(call_windows=3)
    futures = []
    for name, seconds in {"a": 5.0, "b": 30.0, "c": 6.0, "d": 29.0, "e": 4.0, "f": 28.0}.items():
        futures += scheduler.door(recorder, "bulk").recognize([window(name, seconds)], [ENGLISH])
    gate.set()
    assert texts(futures) == [f"{name} en" for name in "abcdef"]
    assert [sorted(call) for call in recorder.calls] == [["a", "c", "e"], ["b", "d", "f"]]


def test_no_lane_waits_for_a_call_to_fill(scheduler: Scheduler) -> None:
    recorder = Recorder(call_windows=16)
    door = scheduler.door(recorder, "bulk")
    assert texts(ask(door, "a")) == ["a en"]
    assert texts(ask(door, "b")) == ["b en"]
    assert recorder.calls == [["a"], ["b"]]


def test_the_higher_class_goes_first_and_live_calls_are_not_filled_up(
    scheduler: Scheduler, gate: threading.Event
) -> None:
    recorder = Recorder(call_windows=8)
    futures = []
    classes: tuple[Priority, ...] = ("bulk", "interactive", "live_partial", "live_final")
    for priority in classes:
        futures += ask(scheduler.door(recorder, priority), priority)
    assert scheduler.waiting() == 4
    gate.set()
    texts(futures)
    assert recorder.calls == [["live_final"], ["live_partial"], ["interactive", "bulk"]]


def test_a_long_run_does_not_starve_a_short_one_of_its_class(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder(call_windows=1)
    futures = ask(scheduler.door(recorder, "bulk"), "long 1", "long 2", "long 3", "long 4")
    futures += ask(scheduler.door(recorder, "bulk"), "short 1")
    futures += ask(scheduler.door(recorder, "bulk"), "other 1", "other 2")
    gate.set()
    texts(futures)
    order = ["long 1", "short 1", "other 1", "long 2", "other 2", "long 3", "long 4"]
    assert [name for [name] in recorder.calls] == order


def test_many_runs_of_one_tenant_count_as_one(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder(call_windows=1)
    futures = []
    for number in range(4):
        futures += ask(scheduler.door(recorder, "bulk", tenant="big"), f"big {number}")
    futures += ask(scheduler.door(recorder, "bulk", tenant="small"), "small 1", "small 2")
    gate.set()
    texts(futures)
    assert [name for [name] in recorder.calls] == ["big 0", "small 1", "big 1", "small 2", "big 2", "big 3"]


def test_bulk_work_gets_a_turn_among_much_interactive_work_but_not_among_live(
    scheduler: Scheduler, gate: threading.Event
) -> None:
    recorder = Recorder(call_windows=1)
    futures = ask(scheduler.door(recorder, "bulk"), "file")
    futures += ask(scheduler.door(recorder, "interactive"), *["person"] * (PATIENCE + 5))
    futures += ask(scheduler.door(recorder, "live_partial"), *["stream"] * (PATIENCE + 5))
    gate.set()
    texts(futures)
    order = ["stream"] * (PATIENCE + 5) + ["person"] * PATIENCE + ["file"] + ["person"] * 5
    assert [name for [name] in recorder.calls] == order


def test_bulk_work_of_another_kind_is_not_starved_by_bulk_work_that_fits(
    scheduler: Scheduler, gate: threading.Event
) -> None:
    recorder = Recorder(call_windows=2)
    futures = ask(scheduler.door(recorder, "bulk"), "odd", request=TRANSLATED)
    futures += ask(scheduler.door(recorder, "bulk"), *["fits"] * 40)
    futures += ask(scheduler.door(recorder, "interactive"), *["person"] * 40)
    gate.set()
    texts(futures)
    assert recorder.calls.index(["odd"]) == PATIENCE


def test_what_a_run_leaves_behind_never_starts(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder()
    staying, leaving = scheduler.door(recorder, "bulk"), scheduler.door(recorder, "bulk")
    kept, given_up = ask(staying, "kept 1", "kept 2"), ask(leaving, "left 1", "left 2")
    assert kept[1].cancel()
    leaving.leave()
    assert scheduler.waiting() == 1
    assert all(future.cancelled() for future in given_up)
    gate.set()
    assert texts(kept[:1]) == ["kept 1 en"]
    assert recorder.calls == [["kept 1"]]
    with pytest.raises(CancelledError):
        kept[1].result()


def test_a_call_is_told_to_stop_only_when_all_whose_windows_it_holds_have_left(scheduler: Scheduler) -> None:
    class Slow(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.told: list[bool] = []
            self.began, self.go_on = threading.Event(), threading.Event()

        def recognize(
            self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
        ) -> list[Text]:
            self.began.set()
            assert self.go_on.wait(WAIT)
            self.told.append(cancelled())
            return super().recognize(windows, requests, cancelled)

    for leaving, told in ((1, False), (2, True)):
        slow = Slow()
        doors = [scheduler.door(slow, "bulk") for _ in range(2)]
        with held(scheduler.door(slow, "live_final")):
            futures = [ask(door, "window")[0] for door in doors]
        assert slow.began.wait(WAIT)
        for door in doors[:leaving]:
            door.leave()
        slow.go_on.set()
        if told:
            assert all(isinstance(future.exception(WAIT), Cancelled) for future in futures)
        else:
            assert texts(futures) == ["window en"] * 2
        assert slow.told == [told]


def test_one_bad_window_fails_alone(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder(call_windows=8, broken="bad")
    good = [ask(scheduler.door(recorder, "bulk"), f"good {number}")[0] for number in range(5)]
    [bad] = ask(scheduler.door(recorder, "bulk"), "bad")
    gate.set()
    assert texts(good) == [f"good {number} en" for number in range(5)]
    with pytest.raises(LookupError, match="this one"):
        bad.result(WAIT)
    assert recorder.call_windows == 8
    assert texts(ask(scheduler.door(recorder, "bulk"), "after")) == ["after en"]


def test_out_of_memory_halves_what_failed_and_the_calls_to_come(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder(call_windows=8, memory=2)
    futures = ask(scheduler.door(recorder, "bulk"), *"abcdefghij")
    gate.set()
    assert texts(futures) == [f"{name} en" for name in "abcdefghij"]
    assert [len(call) for call in recorder.calls] == [8, 4, 2, 2, 4, 2, 2, 2]
    assert recorder.call_windows == 2


def test_a_window_that_does_not_fit_alone_is_its_own_runs_error(scheduler: Scheduler, gate: threading.Event) -> None:
    class Narrow(Recorder):
        def recognize(
            self, windows: Sequence[Window], requests: Sequence[Request], cancelled: Callable[[], bool]
        ) -> list[Text]:
            self.memory = 0 if "huge" in map(name_of, windows) else 8
            return super().recognize(windows, requests, cancelled)

    narrow = Narrow(call_windows=8)
    [huge] = ask(scheduler.door(narrow, "bulk"), "huge")
    small = ask(scheduler.door(narrow, "bulk"), "a", "b", "c")
    gate.set()
    assert texts(small) == ["a en", "b en", "c en"]
    with pytest.raises(OutOfMemory, match="smaller model") as raised:
        huge.result(WAIT)
    assert not raised.value.permanent


def test_what_a_call_raises_is_in_its_future_and_the_lane_goes_on(scheduler: Scheduler) -> None:
    door = scheduler.door(Recorder(), "bulk")

    def fail() -> int:
        raise LookupError("this one")

    with pytest.raises(LookupError, match="this one"):
        door.call(fail).result(WAIT)
    assert door.call(lambda: 7).result(WAIT) == 7


def test_no_more_calls_at_a_time_than_lanes() -> None:
    scheduler = Scheduler(lanes=2)
    inside, most = 0, 0
    guard, meeting = threading.Lock(), threading.Barrier(2)

    def work() -> None:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        meeting.wait(WAIT)
        with guard:
            inside -= 1

    futures = [scheduler.door(Recorder(), "bulk").call(work) for _ in range(40)]
    for future in futures:
        future.result(WAIT)
    scheduler.close(timeout=WAIT)
    assert most == 2


def test_closing_ends_the_running_call_and_fails_the_waiting_ones(scheduler: Scheduler, gate: threading.Event) -> None:
    recorder = Recorder()
    door = scheduler.door(recorder, "bulk")
    [waiting] = ask(door, "never")
    scheduler.close(timeout=0)
    with pytest.raises(EngineGone):
        waiting.result(WAIT)
    with pytest.raises(EngineGone):
        ask(door, "never")
    gate.set()
    scheduler.close(timeout=WAIT)
    assert recorder.calls == []


RUNS = st.lists(
    st.tuples(
        st.sampled_from(["interactive", "bulk", "live_final"]),
        st.sampled_from([ENGLISH, SPANISH, TRANSLATED]),
        st.lists(st.floats(0.1, 3.0), min_size=1, max_size=6),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60)
@given(runs=RUNS, lanes=st.integers(1, 3), call_windows=st.integers(1, 5), memory=st.integers(1, 5))
def test_however_runs_meet_each_window_gets_its_own_text_once(
    runs: list[tuple[Priority, Request, list[float], bool]], lanes: int, call_windows: int, memory: int
) -> None:
    recorder = Recorder(call_windows, memory=memory)
    scheduler = Scheduler(lanes)
    waiting = []
    for number, (priority, request, lengths, given_up) in enumerate(runs):
        door = scheduler.door(recorder, priority, tenant=number % 2)
        names = [f"{number}.{at}" for at in range(len(lengths))]
        windows = [window(name, seconds) for name, seconds in zip(names, lengths, strict=True)]
        futures = door.recognize(windows, [request] * len(windows))
        if given_up:
            door.leave()
        else:
            waiting.append((futures, [f"{name} {request.language}" for name in names]))
    for futures, expected in waiting:
        assert texts(futures) == expected
    scheduler.close(timeout=WAIT)
    assert all(len(call) <= call_windows for call in recorder.calls)
    done = [name for call in recorder.calls if len(call) <= memory for name in call]
    assert len(done) == len(set(done))


def test_while_a_stream_is_listened_to_files_leave_it_a_lane() -> None:
    scheduler = Scheduler(lanes=2)
    try:
        with scheduler.with_live(), held(scheduler.door(Recorder(), "bulk")) as gate:
            [file] = ask(scheduler.door(Recorder(call_windows=1), "bulk"), "file")
            assert texts(ask(scheduler.door(Recorder(), "live_final"), "spoken")) == ["spoken en"]
            assert not file.done()
            gate.set()
            assert texts([file]) == ["file en"]
        with held(scheduler.door(Recorder(), "bulk")):
            assert texts(ask(scheduler.door(Recorder(), "bulk"), "both lanes")) == ["both lanes en"]
    finally:
        scheduler.close(timeout=WAIT)
