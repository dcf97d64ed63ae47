"""Django's SQLite, whose connections wait for the next request instead of being closed.

Under ASGI each request has threads, and so connections, of its own. Opening one is cheap; the first statement on it
reads the whole schema anew, which costs milliseconds, and a request opens three.
"""

import sqlite3
from typing import Any

from django.db.backends.sqlite3 import base

from stt_site.lib.sqlite import idle


class DatabaseWrapper(base.DatabaseWrapper):
    _file: idle.File | None = None
    _settings = ""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        self._settings = repr((conn_params, self.settings_dict["OPTIONS"]))
        file = idle.file_of(conn_params["database"])
        if file and (known := idle.take(file, self._settings)):
            self._file = file
            return known
        made: sqlite3.Connection = super().get_new_connection(conn_params)
        self._file = idle.file_of(conn_params["database"])
        return made

    def _close(self) -> None:
        if self._file and self.connection is not None and self._is_as_new():
            idle.keep(self._file, self._settings, self.connection)
        else:
            super()._close()  # type: ignore[misc]

    def _is_as_new(self) -> bool:
        doubtful = self.in_atomic_block or self.errors_occurred or self.connection.in_transaction
        return not doubtful
