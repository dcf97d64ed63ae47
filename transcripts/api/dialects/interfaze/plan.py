"""A caller's schema becomes a plan: which value comes from where, known before a recording is touched.

What a transcript determines is filled from it; what would take an understanding of it is a gap, which only a language
model may fill, and never a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from stt_site.lib.json_schema import Schema, resolved
from transcripts.api.dialects.interfaze.facts import Facts
from transcripts.api.dialects.interfaze.fields import (
    CONTAINERS,
    COUNTS,
    ITEM,
    LISTS,
    PAIRS,
    SPEAKERS,
    TEXTS,
    TRANSLATIONS,
    VOICED,
    WHOLE,
    WORDS,
    WORDY,
    At,
    Parts,
    Value,
    normal,
    words_within,
)

ABSENT = object()
LABEL = re.compile(r"SPEAKER_(\d+)")


@dataclass(frozen=True, slots=True)
class Gap:
    """What no transcript says. `parts`: it is wanted once for each of these."""

    schema: Schema
    parts: Parts | None


@dataclass(slots=True)
class Plan:
    """`gaps` by path, of which the caller cannot do without the `required`. `names`: of all other fields, those of a
    list's items with [] before them."""

    root: Schema
    make: Value = lambda at: None
    gaps: dict[str, Gap] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    @property
    def wants_speakers(self) -> bool:
        voices = SPEAKERS | VOICED | COUNTS
        return any(name.removeprefix("[]") in voices for name in self.names)

    @property
    def wants_translation(self) -> bool:
        return bool(self.names & TRANSLATIONS)

    @property
    def originals(self) -> list[str]:
        """The fields that hold what was said as it was said."""
        return sorted(self.names & TEXTS)

    def fill(self, facts: Facts, answers: Mapping[str, Any]) -> Any:
        """`answers` by the paths of the gaps; to a gap of a list's items a list, as long."""
        return self.make(At(facts, answers))


def planned(schema: Schema) -> Plan:
    plan = Plan(schema)
    root = _Node(resolved(schema, schema), required=True, nullable=False)
    plan.make = _object(plan, root, "", None) if root.kind("object") else _named(plan, root, "", "result", None)
    return plan


@dataclass(frozen=True, slots=True)
class _Node:
    schema: Schema
    required: bool
    nullable: bool

    @property
    def kinds(self) -> tuple[str, ...]:
        kind = self.schema.get("type")
        kinds = kind if isinstance(kind, list) else [kind] if kind else []
        if not kinds:
            kinds = ["object"] if "properties" in self.schema else ["array"] if "items" in self.schema else []
        return tuple(each for each in kinds if each != "null")

    def kind(self, name: str) -> bool:
        return name in self.kinds

    def takes(self, name: str) -> bool:
        """Where no type is said, everything fits."""
        return not self.kinds or name in self.kinds


def _node(plan: Plan, schema: object, *, required: bool) -> _Node:
    node = resolved(schema, plan.root)
    nullable = "null" in (node.get("type") or ()) if isinstance(node.get("type"), list) else False
    for union in ("anyOf", "oneOf", "allOf"):
        branches = [resolved(branch, plan.root) for branch in cast("list[object]", node.get(union) or ())]
        solid = [branch for branch in branches if branch.get("type") != "null"]
        nullable = nullable or len(solid) < len(branches)
        if len(solid) == 1:
            node = {**node, **solid[0]}
    return _Node(node, required, nullable)


def _object(plan: Plan, node: _Node, path: str, parts: Parts | None) -> Value:
    needed = node.schema.get("required") or ()
    fields = {
        name: _named(plan, _node(plan, inner, required=name in needed), path, name, parts)
        for name, inner in (node.schema.get("properties") or {}).items()
    }

    def make(at: At) -> dict[str, Any]:
        made = {name: value(at) for name, value in fields.items()}
        return {name: value for name, value in made.items() if value is not ABSENT}

    return make


def _named(plan: Plan, node: _Node, path: str, name: str, parts: Parts | None) -> Value:
    """The value of one field. `parts`: it is a field of each item of a list of them."""
    known, where = normal(name), f"{path}.{name}" if path else name
    value = _const(node) or (_in_item(plan, node, known) if parts else _in_whole(plan, node, where, known))
    if value is None:
        return _gap(plan, node, where, parts)
    if not (known in TEXTS and (node.kind("object") or node.kind("array"))):
        plan.names.add(f"[]{known}" if parts else known)
    return _fitted(node, value)


def _const(node: _Node) -> Value | None:
    if "const" in node.schema:
        return lambda at: node.schema["const"]
    return None


def _in_whole(plan: Plan, node: _Node, where: str, known: str) -> Value | None:
    if node.kind("array"):
        return _list(plan, node, where, known)
    if node.kind("object"):
        return _object(plan, node, where, None) if known in CONTAINERS and node.schema.get("properties") else None
    return WHOLE.get(known) if _fits(node, known) else None


def _in_item(plan: Plan, node: _Node, known: str) -> Value | None:
    if known in PAIRS:
        if node.kind("array"):
            return lambda at: None if at.part is None else [at.part.start, at.part.end]
        return ITEM["start"]
    if node.kind("array"):
        return _words(plan, node) if known in WORDS else None
    return ITEM.get(known) if _fits(node, known) else None


def _fits(node: _Node, known: str) -> bool:
    """Whether a value of that name can be of a type that the schema allows."""
    if node.takes("string"):
        return True
    return (node.kind("number") or node.kind("integer")) and known not in TEXTS | TRANSLATIONS | WORDY


def _list(plan: Plan, node: _Node, where: str, known: str) -> Value | None:
    parts = LISTS.get(known)
    if parts is None:
        return None
    item = _node(plan, node.schema.get("items") or {}, required=True)
    if known in CONTAINERS - TEXTS and not item.kind("object"):
        return None
    if known == "speakers" and item.kind("string"):
        return lambda at: list(at.facts.speakers)
    fields = {normal(name) for name in item.schema.get("properties") or {}}
    if known == "speakers" and fields <= SPEAKERS | {"id", "name"}:
        return _voices(item)
    return _items(plan, item, where, parts)


def _words(plan: Plan, node: _Node) -> Value | None:
    """Of one part. A gap among them has no name that a language model could answer to."""
    inner = Plan(plan.root)
    item = _node(inner, node.schema.get("items") or {}, required=True)
    made = _items(inner, item, "", words_within)
    if inner.gaps:
        return None
    plan.names |= inner.names
    return made


def _items(plan: Plan, item: _Node, where: str, parts: Parts) -> Value | None:
    if item.kind("string"):
        return lambda at: [part.text for part in parts(at)]
    if not item.kind("object"):
        return None
    make = _object(plan, item, f"{where}[]", parts)
    return lambda at: [make(At(at.facts, at.answers, part, number)) for number, part in enumerate(parts(at))]


def _voices(item: _Node) -> Value:
    """Who speaks, once each."""
    names = tuple(item.schema.get("properties", {}))
    return lambda at: [dict.fromkeys(names, speaker) for speaker in at.facts.speakers]


def _gap(plan: Plan, node: _Node, where: str, parts: Parts | None) -> Value:
    plan.gaps[where] = Gap(node.schema, parts)
    if node.required and not node.nullable:
        plan.required.append(where)
    otherwise = None if node.nullable else ABSENT

    def make(at: At) -> Any:
        if where not in at.answers:
            return otherwise
        return at.answers[where][at.number] if parts else at.answers[where]

    return make


def _fitted(node: _Node, value: Value) -> Value:
    """In a type that the schema allows, where the value has one; what is not there is null, left out or empty."""

    def make(at: At) -> Any:
        made = value(at)
        if made is None and not node.nullable:
            return "" if node.required and node.takes("string") else ABSENT
        if isinstance(made, str) and node.kinds == ("integer",) and (voice := LABEL.fullmatch(made)):
            return int(voice[1])
        if isinstance(made, float) and not node.takes("number") and node.takes("integer"):
            return round(made)
        if isinstance(made, int | float) and node.kinds == ("string",):
            return str(made)
        return made

    return make
