"""The bodies of search and chat."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from transcripts.services.chat import LONGEST_QUESTION, MOST_TRANSCRIPTS


class Piece(serializers.Serializer[Any]):
    text = serializers.CharField(trim_whitespace=False)
    marked = serializers.BooleanField(help_text="This is what was sought.")


class HitBody(serializers.Serializer[Any]):
    transcript_id = serializers.CharField(source="transcript.public_id")
    slug = serializers.CharField(source="transcript.slug")
    title = serializers.CharField(source="transcript.title")
    created_at = serializers.DateTimeField(source="transcript.created_at")
    start = serializers.FloatField(help_text="When to listen, in seconds.")
    speaker = serializers.SerializerMethodField(help_text="Who says it; empty where that is not known.")
    snippet = Piece(many=True, source="pieces", help_text="Text, in pieces. Escape it: people said it.")
    by = serializers.ChoiceField(choices=["words", "meaning"])
    score = serializers.FloatField(help_text="Orders the hits of one search; other searches have other scores.")

    def get_speaker(self, hit: Any) -> str:
        return str(hit.passage.parts[hit.part][3])


class SearchQuery(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=500, help_text="Words; in quotes, in a row. The last one may be a beginning.")
    by = serializers.ChoiceField(choices=["words", "meaning", "both"], required=False, default="both")
    speaker = serializers.CharField(required=False, default="", max_length=100)
    language = serializers.CharField(required=False, default="", max_length=8)
    tag = serializers.CharField(required=False, default="", max_length=50)
    origin = serializers.ChoiceField(choices=["web", "api", "live"], required=False, default="")
    since = serializers.DateTimeField(required=False, default=None, help_text="Of the transcript's making.")
    until = serializers.DateTimeField(required=False, default=None, help_text="Not included.")
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=50)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=100)


class SearchPage(serializers.Serializer[Any]):
    results = HitBody(many=True)
    next = serializers.URLField(allow_null=True)


class Question(serializers.Serializer[Any]):
    question = serializers.CharField(required=False, allow_blank=True, max_length=10 * LONGEST_QUESTION)
    message = serializers.CharField(
        required=False, allow_blank=True, max_length=10 * LONGEST_QUESTION, help_text="The same by another name."
    )
    session_id = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=64, help_text="Goes on with a conversation."
    )
    stream = serializers.BooleanField(
        required=False, default=False, help_text="Server-sent events; `Accept: text/event-stream` does the same."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        asked = attrs.get("question") or attrs.get("message") or ""
        return {**attrs, "question": asked, "session_id": attrs.get("session_id") or ""}


@extend_schema_field({"oneOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string", "enum": ["all"]}]})
class TranscriptsField(serializers.Field[Any, Any, Any, Any]):
    def to_internal_value(self, data: Any) -> list[str] | None:
        if data == "all":
            return None
        if not isinstance(data, list) or not 0 < len(data) <= MOST_TRANSCRIPTS:
            raise serializers.ValidationError(f'Name 1 to {MOST_TRANSCRIPTS} transcripts, or "all".')
        return list(dict.fromkeys(str(each) for each in data))

    def to_representation(self, value: Any) -> Any:
        return value


class QuestionToMany(Question):
    transcripts = TranscriptsField(help_text='Ids or slugs, or "all".')


class SourceBody(serializers.Serializer[Any]):
    transcript_id = serializers.CharField()
    title = serializers.CharField()
    segment_order = serializers.IntegerField(help_text="Of the sentence that comes nearest, in the transcript.")
    segment_id = serializers.IntegerField(help_text="The same.")
    start_time = serializers.FloatField(help_text="When it is said, in seconds.")
    speaker = serializers.CharField(allow_blank=True)
    text = serializers.CharField(help_text="The passage around it. Escape it: people said it.")
    score = serializers.FloatField(min_value=0, max_value=1, help_text="Cosine to the question.")


class AnswerBody(serializers.Serializer[Any]):
    answer = serializers.CharField(help_text="Plain text; [12:04] cites a sentence of a source.")
    sources = SourceBody(many=True, help_text="Five at most, the nearest first. None: it is not in there.")
    session_id = serializers.CharField(source="session")
    model = serializers.CharField(help_text="Who wrote it; empty: it is the recording's own words.")


class ChatTurnBody(serializers.Serializer[Any]):
    question = serializers.CharField()
    answer = serializers.CharField()
    sources = SourceBody(many=True)
    model = serializers.CharField()
    created_at = serializers.DateTimeField()


class SessionBody(serializers.Serializer[Any]):
    session_id = serializers.CharField(source="public_id")
    transcripts = serializers.SerializerMethodField(help_text='Ids, or "all".')
    created_at = serializers.DateTimeField()
    asked_at = serializers.DateTimeField()
    turns = ChatTurnBody(many=True)

    def get_transcripts(self, session: Any) -> list[str] | str:
        return "all" if session.everything else [each.public_id for each in session.transcripts.all()]


class SessionQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)


class SessionPage(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    results = SessionBody(many=True)
