"""Every dialect of the registry in the same situations, over HTTP, against the whole product.

`examples.py` says how each is asked and read; a new dialect brings its own and is tested here from that day on.
"""

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.dialects import bombs
from tests.dialects.examples import Example, Said, examples, status
from tests.dialects.server import Server
from tests.live import NAMES, ROOT, START_SECONDS, Product, write_wav
from tests.uploads.conftest import head, read_answer, until
from transcripts.api.dialects.registry import DIALECTS

pytestmark = pytest.mark.slow
MANY = 10_000_000_000
"""More bytes than any plan or address takes."""
ROOM = 300 * 1024 * 1024
FILL = """
from accounts.models import User
from accounts.services import limits, plans
from accounts.services.access import Caller
user = User.objects.get(email={email!r})
caller = Caller(user, None, "192.0.2.1", plans.plan_of(user))
for number in range(caller.plan.concurrent):
    limits.take_slot(caller, f"test:{{number}}")
"""


@pytest.fixture(params=sorted(examples()))
def example(request: pytest.FixtureRequest) -> Example:
    return examples()[request.param]


def test_every_dialect_has_an_example() -> None:
    assert set(examples()) == {dialect.urls.split(".")[-2] for dialect in DIALECTS}


def refused(answer: httpx.Response, example: Example, situation: str) -> str:
    """The sentence of an answer that has to be the refusal of that situation."""
    assert answer.status_code == status(example, situation), answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    if answer.status_code in (429, 503) and situation != "no_credits":
        assert int(answer.headers["Retry-After"]) > 0
    sentence = example.complaint(answer.json())
    assert len(sentence.split()) > 2
    return sentence


def test_good_file(server: Server, example: Example, speech: bytes) -> None:
    before = server.credits(server.keys["paid"])
    answer = server.send(example, example.ask(speech), server.keys["paid"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Model"]
    assert example.words(answer.json())
    assert server.credits(server.keys["paid"]) < before


@pytest.mark.parametrize("situation", ["bad_key", "no_key", "no_credits", "bad_field", "not_audio"])
def test_refusals(server: Server, example: Example, speech: bytes, situation: str) -> None:
    key = server.keys[{"bad_key": "unknown", "no_key": "none", "no_credits": "empty"}.get(situation, "paid")]
    call = example.wrong(speech) if situation == "bad_field" else example.ask(speech)
    if situation == "not_audio":
        call = example.ask(b"This is no recording.\n" * 50)
    before = server.credits(server.keys["paid"])
    answer = server.send(example, call, key)
    if status(example, situation) == 200:
        assert answer.status_code == 200
    else:
        refused(answer, example, situation)
    assert server.credits(server.keys["paid"]) == before
    assert server.open_jobs(server.keys["paid"]) == 0


def test_too_large_is_refused_on_the_headers(server: Server, example: Example) -> None:
    call = example.ask(b"")
    headers = {**example.key(server.keys["paid"]), **call.headers, "Content-Type": call.content_type}
    where = httpx.URL(server.product.address)
    with socket.create_connection((str(where.host), where.port or 80), timeout=20) as connection:
        connection.sendall(head(call.path, {**headers, "Content-Length": str(MANY)}))
        answer = read_answer(connection)
    assert answer.status == status(example, "too_large")
    assert example.complaint(answer.json())


def test_too_large_is_refused_on_the_way(server: Server, example: Example) -> None:
    if example.max_file_bytes is None or example.max_file_bytes > 30_000_000:
        pytest.skip("as large as the plan's, which tests/uploads tries")
    answer = server.send(example, example.ask(bytes(example.max_file_bytes + 1)), server.keys["paid"])
    refused(answer, example, "too_large")


def test_too_many_at_once(server: Server, example: Example, speech: bytes) -> None:
    server.product.manage("shell", "-c", FILL.format(email="busy@example.com"))
    before = server.credits(server.keys["busy"])
    refused(server.send(example, example.ask(speech), server.keys["busy"]), example, "too_many")
    assert server.credits(server.keys["busy"]) == before


@pytest.fixture(scope="module")
def without_engine(server: Server) -> Iterator[str]:
    """The address of a second web process, whose engine is not there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = server.product.environment | {"STT_ENGINE_SOCKET": "/nonexistent/engine.sock"}
    command = [
        "-m",
        "uvicorn",
        "stt_site.asgi:application",
        "--port",
        str(port),
        "--lifespan",
        "off",
        "--no-access-log",
    ]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, START_SECONDS)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def test_engine_down(server: Server, without_engine: str, example: Example, speech: bytes) -> None:
    before = server.credits(server.keys["paid"])
    answer = server.send(example, example.ask(speech), server.keys["paid"], without_engine)
    refused(answer, example, "engine_down")
    assert server.credits(server.keys["paid"]) == before


def test_120_the_same_words_at_the_same_times(server: Server, speech: bytes) -> None:
    heard: dict[str, list[Said]] = {}
    for name, example in examples().items():
        answer = server.send(example, example.ask(speech), server.keys["paid"])
        heard[name] = example.words(answer.json())
    first = heard["stt_ai"]
    for name, words in heard.items():
        assert [letters(word) for word in words] == [letters(word) for word in first], name
        for ours, theirs in zip(words, first, strict=True):
            for one, other in ((ours.start, theirs.start), (ours.end, theirs.end)):
                assert one is None or other is None or one == pytest.approx(other, abs=0.02), name


def letters(word: Said) -> str:
    return "".join(re.findall(r"\w", word.text.lower()))


def test_122_retries_of_one_request_are_charged_once(server: Server, example: Example, speech: bytes) -> None:
    key, call = server.keys["paid"], example.ask(speech)
    once = server.credits(key)
    assert server.send(example, call, key).status_code == 200
    before = server.credits(key)
    name = {"Idempotency-Key": f"retry-{call.path}"}
    answers = [server.send(example, call, key, **name) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers] == [None, "true", "true"]
    assert example.words(answers[2].json()) == example.words(answers[0].json())
    assert before - server.credits(key) == pytest.approx(once - before)


def test_123_one_cap_for_all_dialects(server: Server, speech: bytes, tmp_path: Path) -> None:
    key = server.keys["free"]
    long = write_wav(tmp_path / "long.wav", NAMES * 30).read_bytes()
    everybody = list(examples().values())
    before = server.credits(key)
    leavers = [server.leave_after(each, long, key) for each in everybody[:2]]
    until(lambda: server.open_jobs(key) == 2)
    for each in everybody:
        refused(server.send(each, each.ask(speech), key), each, "too_many")
    for leave in leavers:
        leave()
    until(lambda: server.open_jobs(key) == 0)
    assert server.credits(key) == before
    assert server.send(everybody[0], everybody[0].ask(speech), key).status_code == 200


@pytest.mark.parametrize("bomb", ["ogg_of_ten_hours", "nested_mkv", "day_of_silence"])
def test_124_a_bomb_costs_neither_memory_nor_credits(
    server: Server, example: Example, tmp_path: Path, bomb: str
) -> None:
    makers: dict[str, Callable[[], bytes]] = {
        "ogg_of_ten_hours": lambda: bombs.ogg_of_ten_hours(tmp_path),
        "nested_mkv": bombs.nested_mkv,
        "day_of_silence": bombs.day_of_silence,
    }
    before, memory = server.credits(server.keys["paid"]), peak(server.product)
    answer = server.send(example, example.ask(makers[bomb]()), server.keys["paid"])
    if bomb == "ogg_of_ten_hours" and answer.status_code == 200:
        # Where an API takes ten hours, a file that is shorter than it says is read for what it holds.
        assert before - server.credits(server.keys["paid"]) <= 1
    else:
        refused(answer, example, "not_audio")
        assert server.credits(server.keys["paid"]) == before
    grown = {pid: now - memory[pid] for pid, now in peak(server.product).items() if pid in memory}
    assert grown
    assert max(grown.values()) < ROOM


def peak(product: Product) -> dict[int, int]:
    """Of each of the product's processes: the most memory that it has ever had, in bytes."""
    found = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("STT_DATA_DIR") == str(product.data_dir):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                found[process.pid] = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return found
