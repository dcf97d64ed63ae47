from importlib import import_module

from django.urls import URLPattern, URLResolver, include, path

from transcripts.api.dialects.base import Dialect
from transcripts.uploads.policy import POLICIES

PACKAGES = (
    "transcripts.api.dialects.stt_ai",
    "transcripts.api.dialects.openai",
    "transcripts.api.dialects.jigsawstack",
    "transcripts.api.dialects.interfaze",
    "transcripts.api.dialects.sixtydb",
)
DIALECTS: tuple[Dialect, ...] = tuple(import_module(name).DIALECT for name in PACKAGES)

for known in DIALECTS:
    POLICIES.update(known.uploads)


def urlpatterns() -> list[URLPattern | URLResolver]:
    return [path("", include(dialect.urls)) for dialect in DIALECTS]


def dialect_for(address: str) -> Dialect | None:
    """Whose shape an answer at this path has: the longest prefix decides. None outside of the APIs."""
    fitting = [(prefix, dialect) for dialect in DIALECTS for prefix in dialect.prefixes if address.startswith(prefix)]
    return max(fitting, key=lambda pair: len(pair[0]))[1] if fitting else None
