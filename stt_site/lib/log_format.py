import logging
import re

from stt_site.lib import tokens

# Whoever reads the address of a shared transcript or file can open it.
LINKS = re.compile(r"(/(?:s|t|v1/store/public)/)[\w.:-]{20,}", re.ASCII)


class Redacting(logging.Formatter):
    """Cleans the finished line, traceback and all, of API keys and links: whatever the message was made of."""

    def format(self, record: logging.LogRecord) -> str:
        return LINKS.sub(r"\1…", tokens.redacted(super().format(record)))
