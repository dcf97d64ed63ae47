"""What a language model is told, in files; and what it is shown, as data."""

import re
from functools import cache
from pathlib import Path
from string import Template

FOLDER = Path(__file__).resolve().parent.parent / "prompts"
_TAGS = re.compile(r"<(?=\s*/?\s*transcript)", re.IGNORECASE)


def prompt(name: str, **values: object) -> str:
    """`prompts/<name>.md`, with each $value in its place."""
    return _template(name).substitute({key: str(value) for key, value in values.items()})


def quoted(text: str) -> str:
    """A text that anybody may have spoken or written, in a block that it cannot close."""
    return f"<transcript>\n{_TAGS.sub('‹', text)}\n</transcript>"


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.md").read_text().strip())
