import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future

import pytest

from engine.errors import EngineGone
from engine.scheduler import PATIENCE, Scheduler
from engine.types import Priority

WAIT = 10.0


@pytest.fixture
def scheduler() -> Iterator[Scheduler]:
    scheduler = Scheduler()
    yield scheduler
    scheduler.close(timeout=WAIT)


@pytest.fixture
def gate(scheduler: Scheduler) -> Iterator[threading.Event]:
    """The device is busy until this is set, so that what is submitted meanwhile has to line up."""
    gate, busy = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        gate.wait(WAIT)

    scheduler.door("holder", "live_final")(hold)
    assert busy.wait(WAIT)
    yield gate
    gate.set()


def line_up(scheduler: Scheduler, order: list[str], job: str, priority: Priority, *names: str) -> list["Future[None]"]:
    submit = scheduler.door(job, priority)

    def task(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    return [submit(task(name)) for name in names]


def test_the_higher_class_goes_first(scheduler: Scheduler, gate: threading.Event) -> None:
    order: list[str] = []
    futures = []
    for priority in ("bulk", "interactive", "live_partial", "live_final"):
        futures += line_up(scheduler, order, priority, priority, priority)
    assert scheduler.waiting() == 4
    gate.set()
    for future in futures:
        future.result(WAIT)
    assert order == ["live_final", "live_partial", "interactive", "bulk"]


def test_a_long_job_does_not_starve_a_short_one_of_its_class(scheduler: Scheduler, gate: threading.Event) -> None:
    order: list[str] = []
    futures = line_up(scheduler, order, "long", "bulk", "long 1", "long 2", "long 3", "long 4")
    futures += line_up(scheduler, order, "short", "bulk", "short 1")
    futures += line_up(scheduler, order, "other", "bulk", "other 1", "other 2")
    gate.set()
    for future in futures:
        future.result(WAIT)
    assert order == ["long 1", "short 1", "other 1", "long 2", "other 2", "long 3", "long 4"]


def test_bulk_work_gets_a_turn_among_much_interactive_work_but_not_among_live(
    scheduler: Scheduler, gate: threading.Event
) -> None:
    order: list[str] = []
    futures = line_up(scheduler, order, "file", "bulk", "file")
    futures += line_up(scheduler, order, "people", "interactive", *["person"] * (PATIENCE + 5))
    futures += line_up(scheduler, order, "stream", "live_partial", *["stream"] * (PATIENCE + 5))
    gate.set()
    for future in futures:
        future.result(WAIT)
    assert order == ["stream"] * (PATIENCE + 5) + ["person"] * PATIENCE + ["file"] + ["person"] * 5


def test_cancelled_work_never_starts(scheduler: Scheduler, gate: threading.Event) -> None:
    order: list[str] = []
    first, second, third = line_up(scheduler, order, "job", "bulk", "first", "second", "third")
    assert second.cancel()
    assert scheduler.waiting() == 2
    gate.set()
    third.result(WAIT)
    assert order == ["first", "third"]
    assert first.done()
    with pytest.raises(CancelledError):
        second.result()


def test_what_a_task_raises_is_in_its_future_and_the_lane_goes_on(scheduler: Scheduler) -> None:
    submit = scheduler.door("job", "bulk")

    def fail() -> int:
        raise LookupError("this one")

    failing = submit(fail)
    with pytest.raises(LookupError, match="this one"):
        failing.result(WAIT)
    assert submit(lambda: 7).result(WAIT) == 7


def test_one_task_at_a_time(scheduler: Scheduler) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def task() -> None:
        nonlocal inside, most
        with guard:
            inside += 1
            most = max(most, inside)
        threading.Event().wait(0.002)
        with guard:
            inside -= 1

    futures = [scheduler.door(number % 5, "bulk")(task) for number in range(40)]
    for future in futures:
        future.result(WAIT)
    assert most == 1


def test_two_lanes_work_side_by_side() -> None:
    scheduler = Scheduler(lanes=2)
    meeting = threading.Barrier(2)
    futures = [scheduler.door(number, "bulk")(lambda: meeting.wait(WAIT)) for number in range(2)]
    assert sorted(future.result(WAIT) for future in futures) == [0, 1]
    scheduler.close(timeout=WAIT)


def test_closing_ends_the_running_task_and_fails_the_waiting_ones(scheduler: Scheduler, gate: threading.Event) -> None:
    order: list[str] = []
    (waiting,) = line_up(scheduler, order, "job", "bulk", "never")
    scheduler.close(timeout=0)
    with pytest.raises(EngineGone):
        waiting.result(WAIT)
    with pytest.raises(EngineGone):
        scheduler.door("job", "bulk")(lambda: None)
    gate.set()
    scheduler.close(timeout=WAIT)
    assert order == []
