"""The bodies of what is made of a transcript."""

from typing import Any

from rest_framework import serializers

from transcripts.api.dialects.stt_ai.text_bodies import Generation
from transcripts.services.insights.kinds import ANALYSES, STYLES, analysis_of, style_of


class Wish(serializers.Serializer[Any]):
    force = serializers.BooleanField(required=False, default=False, help_text="Make it anew.")


class SummaryQuery(serializers.Serializer[Any]):
    style = serializers.CharField(  # type: ignore[assignment]
        required=False, default="brief", help_text=", ".join(STYLES)
    )

    def validate_style(self, name: str) -> str:
        return style_of(name)


class SummaryWish(SummaryQuery, Wish):
    pass


class AnalysisWish(Wish):
    """No `type` and no `kinds`: all."""

    type = serializers.CharField(required=False, help_text=f"{', '.join(ANALYSES)}; also pii.")
    kinds = serializers.ListField(child=serializers.CharField(), required=False, min_length=1, max_length=20)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "type" in attrs and "kinds" in attrs:
            raise serializers.ValidationError("Send `type` or `kinds`, not both.")
        names = [attrs["type"]] if "type" in attrs else attrs.get("kinds", ANALYSES)
        return {"force": attrs["force"], "kinds": list(dict.fromkeys(map(analysis_of, names)))}


class GenerateWish(Generation, Wish):
    kind = serializers.CharField(required=False, help_text="The same as `type`.")


class TranslateWish(Wish):
    target = serializers.CharField(max_length=20, help_text="ISO 639-1.")


class Made(serializers.Serializer[Any]):
    model = serializers.CharField(help_text="Who made it; extractive/…: its own sentences; none: nobody had to.")
    cached = serializers.BooleanField(help_text="It was there already.")
    stale = serializers.BooleanField(help_text="It was made before the last edits.")


class Point(serializers.Serializer[Any]):
    text = serializers.CharField()
    line = serializers.IntegerField(help_text="The turn that it rests on, from 0.")
    start = serializers.FloatField(allow_null=True, help_text="Seconds.")
    speaker = serializers.CharField(allow_null=True)


class SummaryBody(Made):
    summary = serializers.CharField()
    style = serializers.ChoiceField(choices=STYLES)  # type: ignore[assignment]
    points = Point(many=True)


class AnalysisDetail(serializers.Serializer[Any]):
    model = serializers.CharField(required=False)
    cached = serializers.BooleanField(required=False)
    stale = serializers.BooleanField(required=False)
    error = serializers.CharField(required=False, help_text="Why this one could not be had.")
    items = Point(many=True, required=False, help_text="Of action_items and questions: with times.")


class AnalysisBody(serializers.Serializer[Any]):
    results = serializers.DictField(child=serializers.JSONField(), help_text="By type, as /v1/analyze answers.")
    details = serializers.DictField(child=AnalysisDetail())
    type = serializers.CharField(required=False, help_text="Where one was asked for.")
    result = serializers.JSONField(required=False)


class GeneratedBody(Made):
    type = serializers.CharField()
    content = serializers.CharField(help_text="Markdown.")
    prompt = serializers.CharField(required=False, help_text="Where one was sent.")
    items = serializers.JSONField(required=False, help_text="Of key_quotes, flashcards, quiz and chapter_markers.")
    sections = serializers.JSONField(required=False, help_text="Of meeting_notes and show_notes.")


class TranslatedTurn(serializers.Serializer[Any]):
    start = serializers.FloatField(allow_null=True, help_text="Seconds.")
    end = serializers.FloatField(allow_null=True)
    speaker = serializers.CharField(allow_null=True)
    text = serializers.CharField()


class TranslatedBody(Made):
    translated_text = serializers.CharField()
    source_language = serializers.CharField()
    target_language = serializers.CharField()
    turns = TranslatedTurn(many=True)


class InsightBody(Made):
    kind = serializers.CharField()
    variant = serializers.CharField(help_text="Of a summary its style, of a translation its language.")
    value = serializers.JSONField()


class InsightsBody(serializers.Serializer[Any]):
    results = InsightBody(many=True)
