from django.urls import URLPattern, URLResolver, include, path

from transcripts.api.dialects import stt_ai
from transcripts.api.dialects.base import Dialect

DIALECTS: tuple[Dialect, ...] = (stt_ai.DIALECT,)


def urlpatterns() -> list[URLPattern | URLResolver]:
    return [path("", include(dialect.urls)) for dialect in DIALECTS]


def dialect_for(address: str) -> Dialect | None:
    """Whose shape an answer at this path has: the longest prefix decides. None outside of the APIs."""
    fitting = [(prefix, dialect) for dialect in DIALECTS for prefix in dialect.prefixes if address.startswith(prefix)]
    return max(fitting, key=lambda pair: len(pair[0]))[1] if fitting else None
