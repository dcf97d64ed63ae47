"""Triggers that make the ledger's entries and transfers append-only, whoever writes the SQL."""

from django.db.backends.base.base import BaseDatabaseWrapper

TABLES = ("accounts_entry", "accounts_transfer")
MESSAGE = "the ledger is append-only: write a correcting entry instead"

POSTGRESQL_FUNCTION = f"""
CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def install(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FUNCTION)
        for table in TABLES:
            for statement in _create(connection.vendor, table):
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            for name in (f"{table}_no_update", f"{table}_no_delete", f"{table}_no_truncate"):
                on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")


def _create(vendor: str, table: str) -> list[str]:
    if vendor == "postgresql":
        body = "EXECUTE FUNCTION ledger_append_only()"
        return [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW {body}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW {body}",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {body}",
        ]
    if vendor == "sqlite":
        body = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        return [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {body}",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {body}",
        ]
    raise NotImplementedError(f"No append-only triggers are written for {vendor}; use SQLite or PostgreSQL.")
