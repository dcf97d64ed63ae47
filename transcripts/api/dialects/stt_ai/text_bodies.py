"""The bodies of the text services."""

from typing import Any

from rest_framework import serializers

from transcripts.services.insights.kinds import (
    ANALYSES,
    CUSTOM,
    GENERATED,
    STYLES,
    analysis_of,
    generated_of,
    style_of,
)
from transcripts.services.insights.translating import MOST_TEXTS

MOST_EMBEDDED = 256


def _any_text(**more: Any) -> serializers.CharField:
    """As it is: offsets count in it. How long it may be is said by 413, not by 400."""
    return serializers.CharField(trim_whitespace=False, **more)


class Text(serializers.Serializer[Any]):
    text = _any_text(help_text="At most 200,000 characters.")


class SummarizeRequest(Text):
    style = serializers.CharField(  # type: ignore[assignment]
        required=False, allow_blank=True, default="brief", help_text=f"{', '.join(STYLES)}; also bullets, headline."
    )

    def validate_style(self, name: str) -> str:
        return style_of(name)


class SummarizeAnswer(serializers.Serializer[Any]):
    summary = serializers.CharField()
    text = serializers.CharField(help_text="The same.")
    style = serializers.ChoiceField(choices=STYLES)  # type: ignore[assignment]
    model = serializers.CharField(help_text="Who made it; extractive/…: sentences of the text itself.")


class TranslateRequest(serializers.Serializer[Any]):
    text = _any_text(required=False)
    texts = serializers.ListField(
        child=_any_text(allow_blank=True), required=False, min_length=1, max_length=MOST_TEXTS
    )
    target = serializers.CharField(max_length=20, help_text="ISO 639-1.")
    source = serializers.CharField(  # type: ignore[assignment]
        required=False, allow_blank=True, default="en", max_length=20, help_text="ISO 639-1, or auto."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("text" in attrs) == ("texts" in attrs):
            raise serializers.ValidationError("Send exactly one of `text` and `texts`.")
        return attrs


class Translation(serializers.Serializer[Any]):
    translated_text = serializers.CharField()


class TranslateAnswer(serializers.Serializer[Any]):
    translated_text = serializers.CharField(required=False, help_text="Of `text`.")
    translations = Translation(many=True, required=False, help_text="Of `texts`, in their order.")
    source_language = serializers.CharField(help_text="auto where none was given.")
    target_language = serializers.CharField()
    model = serializers.CharField(help_text="none where source and target are the same.")


class AnalyzeRequest(Text):
    type = serializers.CharField(help_text=f"{', '.join(ANALYSES)}; also pii.")

    def validate_type(self, name: str) -> str:
        return analysis_of(name)


class AnalyzeAnswer(serializers.Serializer[Any]):
    type = serializers.CharField()
    result = serializers.JSONField(
        help_text="sentiment {label, score}; topics [{topic, weight}]; entities [{text, label, start, end}], offsets "
        "in characters; action_items, questions [text]; pii_redact {redacted_text, entities}."
    )
    model = serializers.CharField()


class Generation(serializers.Serializer[Any]):
    """`type`, or a prompt alone, or both. Validated: `kind`, `variant` and `prompt`."""

    type = serializers.CharField(required=False, help_text=f"{', '.join(GENERATED)}; also the names of STT.ai's MCP.")
    prompt = _any_text(required=False, allow_blank=True, default="", help_text="What else is wished; takes a writer.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        name = attrs.pop("type", None) or attrs.pop("kind", None)
        attrs.pop("kind", None)
        attrs["prompt"] = attrs["prompt"].strip()
        if name is None and not attrs["prompt"]:
            raise serializers.ValidationError(f"Send a `type`, or a `prompt` alone. Types: {', '.join(GENERATED)}.")
        kind, variant = (CUSTOM, "") if name is None else generated_of(name)
        return {**attrs, "kind": kind, "variant": variant}


class GenerateRequest(Text, Generation):
    pass


class GenerateAnswer(serializers.Serializer[Any]):
    type = serializers.CharField()
    content = serializers.CharField(help_text="Markdown.")
    items = serializers.JSONField(required=False, help_text="Of key_quotes, flashcards, quiz and chapter_markers.")
    sections = serializers.JSONField(required=False, help_text="Of meeting_notes and show_notes.")
    model = serializers.CharField()


class EmbedRequest(serializers.Serializer[Any]):
    texts = serializers.ListField(child=_any_text(), min_length=1, max_length=MOST_EMBEDDED)


class EmbedAnswer(serializers.Serializer[Any]):
    embeddings = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    dimensions = serializers.IntegerField()
    model = serializers.CharField()
