import logging

from stt_site.lib import tokens


class Redacting(logging.Formatter):
    """Cleans the finished line, traceback and all, of API keys: whatever the message was made of."""

    def format(self, record: logging.LogRecord) -> str:
        return tokens.redacted(super().format(record))
