"""The full-text index beside the table of passages, in what each database has for it.

A migration calls `install`. One that alters the table on SQLite makes it anew and loses the triggers: it has to call
`remove` before and `install` after.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

TABLE = "transcripts_passage"
WORDS = "transcripts_words"

WHOSE = "'o' || {0}.owner_id || ' t' || {0}.transcript_id"
ADD = f"INSERT INTO {WORDS}(rowid, whose, terms) VALUES (new.id, {WHOSE.format('new')}, new.terms);"  # noqa: S608
# Nothing but the terms is stored, so they have to be told again to be forgotten.
FORGET = (
    f"INSERT INTO {WORDS}({WORDS}, rowid, whose, terms) VALUES ('delete', old.id, {WHOSE.format('old')}, old.terms);"  # noqa: S608
)
INSTALL = {
    "sqlite": (
        # The ascii tokenizer parts at spaces and leaves all other letters as they are.
        f"CREATE VIRTUAL TABLE {WORDS} USING fts5(whose, terms, content='', tokenize='ascii', prefix='2 3')",
        f"CREATE TRIGGER {WORDS}_added AFTER INSERT ON {TABLE} BEGIN {ADD} END",
        f"CREATE TRIGGER {WORDS}_removed AFTER DELETE ON {TABLE} BEGIN {FORGET} END",
        f"CREATE TRIGGER {WORDS}_changed AFTER UPDATE OF owner_id, transcript_id, terms ON {TABLE} "
        f"BEGIN {FORGET} {ADD} END",
    ),
    "postgresql": (
        # Not to_tsvector: its parser depends on the server's locale, and the terms are parted already.
        f"""CREATE FUNCTION {WORDS}(terms text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
            SELECT coalesce(string_agg(quote_literal(term) || ':' || least(place, 16383), ' '), '')::tsvector
            FROM unnest(string_to_array(terms, ' ')) WITH ORDINALITY AS said(term, place) WHERE term <> '' $$""",  # noqa: S608
        f"ALTER TABLE {TABLE} ADD COLUMN words tsvector GENERATED ALWAYS AS ({WORDS}(terms)) STORED",
        f"CREATE INDEX {WORDS} ON {TABLE} USING gin (words)",
    ),
}
REMOVE = {
    "sqlite": (
        f"DROP TRIGGER {WORDS}_added",
        f"DROP TRIGGER {WORDS}_removed",
        f"DROP TRIGGER {WORDS}_changed",
        f"DROP TABLE {WORDS}",
    ),
    "postgresql": (f"ALTER TABLE {TABLE} DROP COLUMN words", f"DROP FUNCTION {WORDS}(text)"),
}


def install(connection: BaseDatabaseWrapper) -> None:
    _run(connection, INSTALL[connection.vendor])


def remove(connection: BaseDatabaseWrapper) -> None:
    _run(connection, REMOVE[connection.vendor])


def _run(connection: BaseDatabaseWrapper, statements: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
