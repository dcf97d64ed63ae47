"""What the processes of the run are forked from: the product, imported and not yet begun. No connection is open."""

from importlib import import_module

from django.urls import get_resolver

import stt_site.asgi  # noqa: F401 (sets Django up)

for name in ("uvicorn.protocols.http.httptools_impl", "engine.server", "transcripts.services.sweep", "stripe"):
    import_module(name)
assert get_resolver().url_patterns
