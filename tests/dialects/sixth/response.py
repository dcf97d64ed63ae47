from typing import Any

from engine.types import Transcript


def render(result: Transcript) -> dict[str, Any]:
    return {"ok": True, "heard": result.text}
