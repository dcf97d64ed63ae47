"""What an order takes: decided, and refused where it cannot be had, before a recording is touched."""

from dataclasses import dataclass, replace
from typing import Any

from engine.types import Options
from stt_site.lib.errors import ErrorCode, ServiceError
from transcripts import selectors
from transcripts.api.dialects.interfaze.facts import Facts, Translation
from transcripts.api.dialects.interfaze.fields import At
from transcripts.api.dialects.interfaze.plan import Gap, Plan, planned
from transcripts.api.dialects.interfaze.request import ChatOrder
from transcripts.services import insights, language_model
from transcripts.services.prompts import prompt as told
from transcripts.services.prompts import quoted


@dataclass(frozen=True, slots=True)
class Work:
    """`translated`: the recogniser itself writes English. `target`: a code, where a language model translates."""

    order: ChatOrder
    plan: Plan | None
    diarized: bool
    translated: bool
    target: str | None

    @property
    def options(self) -> Options:
        return Options(
            language=self.order.wishes.language,
            task="translate" if self.translated else "transcribe",
            diarize=self.diarized,
        )


def work_of(order: ChatOrder) -> Work:
    """Raises MODEL_UNAVAILABLE, naming what only a language model could do, and INVALID_REQUEST."""
    try:
        plan = planned(order.schema) if order.shape == "schema" else None
    except ValueError as error:
        raise ServiceError(
            ErrorCode.INVALID_REQUEST, f"The schema in response_format cannot be used: {error}. Nothing was charged."
        ) from error
    target = order.wishes.translate_to
    if target is None and (order.task == "translate" or (plan and plan.wants_translation)):
        target = "en"
    diarized = order.wishes.speakers or (plan is not None and plan.wants_speakers)
    if diarized and selectors.engine_status().diarizer is None:
        message = "This server cannot tell speakers apart: nothing for it is installed. Nothing was charged."
        raise ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)
    # Without a translator the recogniser itself may write English, and then there is no original.
    heard = target is not None and insights.translator() is None
    if heard and (target != "en" or not order.sources):
        raise insights.no_translator(f"Translating into {target!r}" if order.sources else "Translating a text")
    wanted = [] if plan is None or language_model.name() else [*plan.required]
    if wanted or (heard and plan and plan.originals):
        names = ", ".join(sorted([*wanted, *(plan.originals if heard and plan else ())]))
        raise language_model.missing(f"What the schema asks for in {names}")
    return Work(order, plan, diarized, translated=heard, target=None if heard else target)


def translated(facts: Facts, target: str) -> Facts:
    if facts.text is None or not facts.text or facts.language == target:
        return replace(facts, translation=Translation(facts.text or "", target))
    return replace(facts, translation=Translation(translation_of(facts.text, facts.language, target), target))


def translation_of(text: str, source: str, target: str) -> str:
    """`source` may be auto, or empty, which is the same."""
    [made] = insights.translated([text], source, target)
    return made


def answers_to(plan: Plan, wish: str, facts: Facts) -> dict[str, Any]:
    """Of the language model, by the paths of the gaps; none where there are no gaps or no such model."""
    if not plan.gaps or not language_model.name():
        return {}
    schema = {
        "type": "object",
        "properties": {path: _asked(gap, facts) for path, gap in plan.gaps.items()},
        "required": plan.required,
        "additionalProperties": False,
        **{name: plan.root[name] for name in ("$defs", "definitions") if name in plan.root},
    }
    lines = "\n".join(
        f"[{number}] {chunk.speaker or ''} {chunk.start}-{chunk.end}: {chunk.text}"
        for number, chunk in enumerate(facts.chunks)
    )
    text = f"Transcript:\n{facts.text or ''}\n\nIts parts, with seconds:\n{lines}"
    answers: dict[str, Any] = language_model.fill(schema, told("fields", wish=wish), quoted(text))
    return answers


def _asked(gap: Gap, facts: Facts) -> dict[str, Any]:
    if gap.parts is None:
        return dict(gap.schema)
    count = len(gap.parts(At(facts, {})))
    return {"type": "array", "items": gap.schema, "minItems": count, "maxItems": count}
