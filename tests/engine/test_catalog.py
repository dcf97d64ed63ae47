import subprocess
import sys

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from faster_whisper.utils import _MODELS

from engine import catalog


def test_it_names_the_repositories_that_faster_whisper_itself_would_fetch() -> None:
    for entry in catalog.MODELS:
        if entry.id != catalog.EMBEDDED:
            assert entry.repo == _MODELS[entry.id]


def test_it_knows_exactly_the_languages_of_whisper() -> None:
    assert set(catalog.WHISPER_LANGUAGES) == set(_LANGUAGE_CODES)
    assert all(name == name.lower() for name in catalog.WHISPER_LANGUAGES.values())
    assert len(set(catalog.WHISPER_LANGUAGES.values())) == 100


@pytest.mark.parametrize(
    ("given", "meant"), [("en", "en"), ("EN ", "en"), ("jv", "jw"), ("jw", "jw"), ("haw", "haw"), ("xx", None)]
)
def test_a_language_code_is_read_kindly(given: str, meant: str | None) -> None:
    assert catalog.language_code(given) == meant


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("whisper-1", "best"),
        ("whisper-large-v3", "best"),
        ("gpt-4o-transcribe", "best"),
        ("gpt-4o-transcribe-diarize", "best"),
        ("gpt-transcribe", "best"),
        ("gpt-4o-mini-transcribe", "fastest"),
        ("gpt-4o-mini-transcribe-2025-12-15", "fastest"),
        ("interfaze-beta", "best"),
        ("60db-stt-v01", "best"),
        ("gpt-4o", None),
        ("nonsense", None),
    ],
)
def test_a_foreign_name_asks_for_a_tier(name: str, tier: str | None) -> None:
    assert catalog.tier(name) == tier
    assert catalog.find(name) is None


def test_every_own_id_is_literal_and_ranked() -> None:
    ids = {entry.id for entry in catalog.MODELS}
    assert all(catalog.tier(model) is None for model in ids)
    assert set(catalog.BEST_FIRST) == set(catalog.FASTEST_FIRST) == ids
    turbo = catalog.find("turbo")
    assert turbo is not None
    assert turbo.id == "large-v3-turbo"


def test_the_default_fits_the_device() -> None:
    assert catalog.default_for("cuda") == ("large-v3-turbo", "float16")
    assert catalog.default_for("cpu") == ("small", "int8")


def test_it_needs_no_speech_library() -> None:
    program = (
        "import sys\n"
        "for name in ('ctranslate2', 'faster_whisper', 'numpy', 'av', 'torch', 'huggingface_hub'):\n"
        "    sys.modules[name] = None\n"
        "import engine.catalog, engine.client\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
