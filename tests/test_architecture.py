"""Who may import whom (docs/architecture.md), as a test. Reads imports with ast, lazy ones too; imports nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "accounts", "transcripts", "stt_site")
FRAMEWORKS = ("django", "rest_framework", "channels", "django_q")

# importer -> what it may not import
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "engine": (*FRAMEWORKS, "accounts", "transcripts", "stt_site"),
    "stt_site.lib": ("accounts", "transcripts", "engine"),
    "accounts": ("transcripts", "engine"),
    "transcripts.exports": (*FRAMEWORKS, "accounts", "transcripts.models"),
    "transcripts.services": (
        "rest_framework",
        "django.http",
        "transcripts.api",
        "transcripts.web",
        "transcripts.uploads",
        "transcripts.streaming",
        "transcripts.tasks",
    ),
    "transcripts.api": ("transcripts.storage", "transcripts.tasks", "transcripts.engine_gateway"),
    "transcripts.web": ("transcripts.storage", "transcripts.tasks", "transcripts.api", "transcripts.engine_gateway"),
    "transcripts.streaming": (
        "transcripts.models",
        "transcripts.storage",
        "transcripts.tasks",
        "transcripts.api",
        "transcripts.web",
        "transcripts.engine_gateway",
    ),
    "transcripts.uploads": ("transcripts.storage", "transcripts.tasks", "transcripts.api", "transcripts.web"),
}
# import -> the only modules that may make it
ONLY_FROM: dict[str, tuple[str, ...]] = {
    "django_q": ("stt_site.lib.queue", "stt_site.lib.cluster"),
    "redis": ("stt_site.lib.queue", "accounts.services.rate_counters"),
    "faster_whisper": ("engine",),
    "ctranslate2": ("engine",),
    "av": ("engine",),
    "torch": ("engine",),
    "torchaudio": ("engine",),
    "pyannote": ("engine.backends.pyannote_pipeline",),
    "engine": ("engine", "transcripts.engine_gateway"),
    "stripe": ("accounts.stripe_gateway",),
    # What a caller names is connected to by one module, which vets it.
    "httpcore2": ("stt_site.lib.outbound",),
    "httpx2": ("engine.hub",),
    "httpx": (),
    "aiohttp": (),
    "requests": (),
    "urllib3": (),
    "http.client": (),
    "urllib.request": ("stt_site.management.commands.welcome",),
    "stt_site": ("stt_site",),
}
OPEN = ("engine.types", "engine.errors", "engine.streaming.events", "engine.text.types", "stt_site.lib")
HEAVY = ("ctranslate2", "faster_whisper", "torch", "torchaudio", "onnxruntime", "av", "pocketsphinx")
DIALECTS = "transcripts.api.dialects"
SHARED_BY_DIALECTS = ("base", "registry")
ROWS_OF_DIALECTS = ("transcripts.models.Transcript", "transcripts.models.StoredFile")
"""What they render. Whose work it is, and how it stands, services say."""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def import_nodes(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from import_nodes(child)


def imports_of(path: Path, source: str) -> Iterator[str]:
    """Dotted names a module imports; `from a import b` gives a.b."""
    name = module_name(path)
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    for node in import_nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            continue
        base = node.module or ""
        if node.level:
            parents = package.split(".")
            kept = parents[: len(parents) - node.level + 1]
            base = ".".join([*kept, base] if base else kept)
        yield from (f"{base}.{alias.name}" for alias in node.names)


def within(name: str, *prefixes: str) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def dialect_of(name: str) -> str | None:
    return name.removeprefix(DIALECTS + ".").split(".")[0] if within(name, DIALECTS) else None


def broken_rules(module: str, name: str) -> Iterator[str]:
    for owner, banned in FORBIDDEN.items():
        if within(module, owner) and within(name, *banned):
            yield f"{module} imports {name}: forbidden in {owner}"
    for target, allowed in ONLY_FROM.items():
        if within(name, target) and not within(module, *allowed) and not within(name, *OPEN):
            yield f"{module} imports {name}: only from {', '.join(allowed)}"
    if within(module, DIALECTS) and within(name, "transcripts.models") and name not in ROWS_OF_DIALECTS:
        yield f"{module} imports {name}: dialects know {', '.join(ROWS_OF_DIALECTS)}"
    mine, theirs = dialect_of(module), dialect_of(name)
    if mine and theirs and mine != theirs and mine not in SHARED_BY_DIALECTS and theirs not in SHARED_BY_DIALECTS:
        yield f"{module} imports another dialect: {name}"


def test_every_import_of_the_tree_is_allowed() -> None:
    broken = [
        rule
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
        for name in imports_of(path, path.read_text())
        for rule in broken_rules(module_name(path), name)
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("engine/pipeline.py", "import django.db"),
        ("engine/pipeline.py", "def f():\n    from transcripts import models"),
        ("stt_site/lib/ids.py", "from accounts.models import User"),
        ("accounts/services/ledger.py", "from transcripts.models import Job"),
        ("transcripts/exports/srt.py", "from django.utils import text"),
        ("transcripts/services/submit.py", "from rest_framework import status"),
        ("transcripts/services/submit.py", "from engine import pipeline"),
        ("transcripts/web/views.py", "from ..api import urls"),
        ("transcripts/services/run.py", "import django_q.tasks"),
        ("accounts/services/limits.py", "import redis"),
        ("accounts/services/ledger.py", "from stt_site import settings"),
        ("accounts/services/purchases.py", "def f():\n    from stripe import StripeClient"),
        ("transcripts/services/fetch.py", "import httpx2"),
        ("transcripts/services/webhooks.py", "from urllib.request import urlopen"),
        ("transcripts/api/dialects/openai/views.py", "from transcripts.models import Origin"),
        ("transcripts/api/dialects/openai/views.py", "from transcripts.api.dialects.stt_ai import errors"),
    ],
)
def test_a_planted_violation_is_seen(module: str, source: str) -> None:
    path = ROOT / module
    assert [rule for name in imports_of(path, source) for rule in broken_rules(module_name(path), name)]


def run_python(source: str) -> str:
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_engine_imports_without_django() -> None:
    run_python(
        "import sys\n"
        f"for name in {FRAMEWORKS!r}: sys.modules[name] = None\n"
        "import engine.local, engine.server, engine.client, engine.pipeline, engine.__main__"
    )


def test_the_web_process_never_loads_a_model_runtime() -> None:
    loaded = run_python(
        "import os, sys\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'\n"
        "os.environ['STT_ENGINE_SOCKET'] = '/nonexistent/engine.sock'\n"
        "import stt_site.asgi\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert loaded.strip().splitlines()[-1] == "[]"
