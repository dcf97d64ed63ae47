"""SQLite connections that wait for the next request."""

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import DatabaseError
from django.db.utils import ConnectionHandler
from pytest_django.plugin import DjangoDbBlocker

from stt_site.lib.sqlite import idle


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Path]:
    path = tmp_path / "db.sqlite3"
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE note (text TEXT)")
    with django_db_blocker.unblock():  # the tests' own database is not touched
        yield path
    idle.close_all()


def handler(path: Path) -> ConnectionHandler:
    options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL;"}
    return ConnectionHandler({"default": {"ENGINE": "stt_site.lib.sqlite", "NAME": str(path), "OPTIONS": options}})


def in_thread(path: Path, statement: str = "SELECT count(*) FROM note") -> tuple[int, list[tuple[object, ...]]]:
    """The raw connection's identity, and what it answered: a thread as a request has one."""
    found: list[tuple[int, list[tuple[object, ...]]]] = []

    def request() -> None:
        connection = handler(path)["default"]
        with connection.cursor() as cursor:
            cursor.execute(statement)
            found.append((id(connection.connection), cursor.fetchall()))
        connection.close()

    thread = threading.Thread(target=request)
    thread.start()
    thread.join()
    return found[0]


def test_the_next_request_uses_the_connection_of_the_last(database: Path) -> None:
    first, _ = in_thread(database, "INSERT INTO note VALUES ('said') RETURNING text")
    second, rows = in_thread(database)
    assert (first == second, rows) == (True, [(1,)])
    assert in_thread(database, "PRAGMA foreign_keys")[1] == [(1,)]


def test_two_at_once_have_one_each(database: Path) -> None:
    one, other = handler(database)["default"], handler(database)["default"]
    one.ensure_connection()
    other.ensure_connection()
    assert one.connection is not other.connection
    one.close()
    other.close()


def test_a_database_made_anew_is_not_mistaken_for_the_old(database: Path) -> None:
    in_thread(database, "INSERT INTO note VALUES ('old') RETURNING text")
    for path in database.parent.glob("db.sqlite3*"):
        path.unlink()
    with sqlite3.connect(database) as made:
        made.execute("CREATE TABLE note (text TEXT)")
    assert in_thread(database)[1] == [(0,)]


def test_what_an_error_or_a_transaction_left_behind_is_closed(database: Path) -> None:
    broken = handler(database)["default"]
    with pytest.raises(DatabaseError), broken.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere")
    raw = broken.connection
    broken.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("SELECT 1")
    open_ended = handler(database)["default"]
    open_ended.ensure_connection()
    raw = open_ended.connection
    raw.execute("BEGIN IMMEDIATE")
    open_ended.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("SELECT 1")
    assert in_thread(database, "INSERT INTO note VALUES ('free') RETURNING text")[1] == [("free",)]


def test_few_wait(database: Path) -> None:
    many = [handler(database)["default"] for _ in range(idle.MOST + 3)]
    for connection in many:
        connection.ensure_connection()
    raws = [connection.connection for connection in many]
    for connection in many:
        connection.close()
    for raw in raws[:3]:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            raw.execute("SELECT 1")
    assert all(raw.execute("SELECT 1").fetchone() == (1,) for raw in raws[3:])


def test_a_forked_process_takes_none_of_its_parents(database: Path) -> None:
    first, _ = in_thread(database)
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[tuple[int, int]] = context.Queue()
    child = context.Process(target=_count_idle, args=(database, answers))
    child.start()
    assert answers.get(timeout=60) == (0, 1)
    child.join(60)
    assert in_thread(database)[0] == first


def _count_idle(path: Path, answers: "multiprocessing.Queue[tuple[int, int]]") -> None:
    before = len(idle._idle)
    in_thread(path)
    answers.put((before, len(idle._idle)))


def test_a_rollback_leaves_a_connection_as_good_as_new(database: Path) -> None:
    handled = handler(database)
    connection = handled["default"]
    connection.ensure_connection()
    raw = connection.connection
    connection.set_autocommit(False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO note VALUES ('unsaid')")
    connection.rollback()
    connection.set_autocommit(True)
    connection.close()
    assert in_thread(database) == (id(raw), [(0,)])
