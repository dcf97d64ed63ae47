"""The bodies of /api/v1. The same classes render the answers and describe them in the OpenAPI document."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from engine.types import Keyword, Options
from transcripts import selectors
from transcripts.api.schemas import STATUSES, Notice, Span
from transcripts.models import Job, Transcript
from transcripts.services import insights, redaction


class ListQuery(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=STATUSES, required=False)
    language = serializers.CharField(required=False, max_length=8)
    date_from = serializers.DateField(required=False, help_text="ISO date, UTC, inclusive.")
    date_to = serializers.DateField(required=False, help_text="ISO date, UTC, inclusive.")
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    # More than a database can count is an error in it.
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)


class Redaction(serializers.Serializer[Any]):
    redact = serializers.BooleanField(
        required=False, default=False, help_text="[EMAIL], [PHONE], … in the place of what identifies a person."
    )


class ExportQuery(Redaction):
    disclosure = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Say that the text is AI-generated."
    )
    speakers = serializers.BooleanField(required=False, default=True)
    timestamps = serializers.BooleanField(required=False, default=True)
    profile = serializers.ChoiceField(choices=["standard", "bbc"], required=False, default="standard")
    word_times = serializers.BooleanField(required=False, default=False)
    rtl_marks = serializers.BooleanField(required=False, default=False)


class Rerun(serializers.Serializer[Any]):
    """How a recording is to be transcribed."""

    model = serializers.CharField(required=False, allow_blank=True, default="", help_text="One of GET /v1/models.")
    language = serializers.CharField(required=False, allow_blank=True, default="", help_text="ISO 639-1, or auto.")
    prompt = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)
    keywords = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        default=list,
        max_length=500,
        help_text="Terms to listen for: term or term:weight, the weight above 0, at most 10.",
    )
    languages = serializers.ListField(
        child=serializers.CharField(max_length=8),
        required=False,
        default=list,
        max_length=100,
        help_text="Candidates, where no language is given.",
    )
    clean = serializers.BooleanField(required=False, default=False, help_text="Leave out um and uh.")
    diarize = serializers.BooleanField(required=False, default=True)
    speakers = serializers.IntegerField(required=False, default=0, min_value=0, max_value=50, help_text="0: find out.")

    def validate_keywords(self, terms: list[str]) -> tuple[Keyword, ...]:
        try:
            return tuple(Keyword.parse(term) for term in terms)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def options(self) -> Options:
        given = self.validated_data
        language = "" if given["language"].lower() == "auto" else given["language"]
        return Options(
            model=given["model"] or None,
            language=language or None,
            prompt=given["prompt"] or None,
            diarize=given["diarize"],
            speakers=given["speakers"] or None if given["diarize"] else None,
            languages=tuple(given["languages"]),
            keywords=given["keywords"],
            clean=given["clean"],
        )


class NewTranscript(Rerun):
    upload = serializers.CharField(max_length=32, help_text="The key of a finished resumable upload.")
    title = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class Labelling(serializers.Serializer[Any]):
    """How many voices there are. 0: find out, within the other two."""

    speakers = serializers.IntegerField(required=False, default=0, min_value=0, max_value=50)
    min_speakers = serializers.IntegerField(required=False, default=0, min_value=0, max_value=50)
    max_speakers = serializers.IntegerField(required=False, default=0, min_value=0, max_value=50)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if 0 < attrs["max_speakers"] < attrs["min_speakers"]:
            raise serializers.ValidationError("max_speakers must not be less than min_speakers.")
        return attrs

    def options(self) -> Options:
        given = self.validated_data
        return Options(
            diarize=True,
            speakers=given["speakers"] or None,
            min_speakers=given["min_speakers"] or None,
            max_speakers=given["max_speakers"] or None,
        )


class Turn(serializers.Serializer[Any]):
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()
    speaker = serializers.CharField()


class Change(serializers.Serializer[Any]):
    title = serializers.CharField(required=False, max_length=200)
    tags = serializers.ListField(child=serializers.CharField(max_length=50), required=False, max_length=50)
    speakers = serializers.DictField(
        child=serializers.CharField(max_length=100), required=False, help_text="The new name by the speaker's id."
    )

    def validate_speakers(self, names: dict[str, str]) -> dict[int, str]:
        if not all(number.isascii() and number.isdigit() and len(number) < 10 for number in names):
            raise serializers.ValidationError("Name speakers by their ids, as GET turns/ lists them.")
        return {int(number): name for number, name in names.items()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        unknown = sorted(set(self.initial_data) - set(self.fields))
        if unknown or not attrs:
            fields = ", ".join(self.fields)
            raise serializers.ValidationError(
                f"What can be changed: {fields}. Not {', '.join(unknown)[:100] or 'nothing'}."
            )
        return attrs


class Progress(serializers.Serializer[Job]):
    phase = serializers.CharField()
    done = serializers.SerializerMethodField(help_text="Seconds of audio transcribed.")
    total = serializers.SerializerMethodField()

    def get_done(self, job: Job) -> float:
        return job.done_ms / 1000

    def get_total(self, job: Job) -> float | None:
        return None if job.total_ms is None else job.total_ms / 1000


class Problem(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class Word(serializers.Serializer[Any]):
    word = serializers.CharField(source="text")
    start = serializers.FloatField()
    end = serializers.FloatField()
    probability = serializers.FloatField()


class Segment(serializers.Serializer[Any]):
    order = serializers.IntegerField()
    start = serializers.FloatField(source="segment.start", help_text="Seconds.")
    end = serializers.FloatField(source="segment.end")
    text = serializers.CharField(source="segment.text")
    language = serializers.CharField(source="segment.language", allow_null=True)
    speaker = serializers.CharField(source="segment.speaker", allow_null=True)
    confidence = serializers.FloatField(source="segment.confidence", help_text="0 to 1.")
    words = Word(source="segment.words", many=True)


class Source(serializers.Serializer[Any]):
    """The recording as it was sent."""

    filename = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()
    format = serializers.CharField()
    has_video = serializers.BooleanField()


class Item(serializers.Serializer[Transcript]):
    id = serializers.IntegerField()
    public_id = serializers.CharField(help_text="The transcript_id of POST /v1/transcribe.")
    slug = serializers.CharField()
    title = serializers.CharField()
    status = serializers.SerializerMethodField()
    language = serializers.SerializerMethodField()
    duration = serializers.SerializerMethodField(help_text="Seconds; null until it is known.")
    model = serializers.SerializerMethodField(help_text="What transcribed it; null before.")
    created_at = serializers.DateTimeField()
    word_count = serializers.IntegerField()
    speakers = serializers.ListField(child=serializers.CharField())
    tags = serializers.SerializerMethodField()
    version = serializers.IntegerField(help_text="The number of the version that is shown.")
    edited_at = serializers.DateTimeField(allow_null=True, help_text="null: as the engine gave it.")
    progress = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField(help_text="Why it failed.")

    @extend_schema_field(serializers.ChoiceField(choices=STATUSES))
    def get_status(self, transcript: Transcript) -> str:
        return selectors.status_of(transcript.job)

    def get_language(self, transcript: Transcript) -> str | None:
        return transcript.language or None

    def get_duration(self, transcript: Transcript) -> float | None:
        return None if transcript.duration_ms is None else transcript.duration_ms / 1000

    def get_model(self, transcript: Transcript) -> str | None:
        return transcript.model or None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_tags(self, transcript: Transcript) -> list[str]:
        return [tag.name for tag in transcript.tags.all()]

    @extend_schema_field(Progress)
    def get_progress(self, transcript: Transcript) -> dict[str, Any]:
        return dict(Progress(transcript.job).data)

    @extend_schema_field(Problem(allow_null=True))
    def get_error(self, transcript: Transcript) -> dict[str, str] | None:
        job = transcript.job
        return {"code": job.error_code, "message": job.error_message} if job.error_code else None


class Page(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = Item(many=True)


class Detail(Item):
    """An item with everything that is known of it. The transcript's parts are empty until its status is completed."""

    text = serializers.SerializerMethodField()
    segments = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField(help_text="The last one that was made; POST summarize/ makes one.")
    source = serializers.SerializerMethodField()  # type: ignore[assignment]
    coverage = serializers.FloatField(allow_null=True, help_text="Share of the speech found that has words, 0 to 1.")
    language_source = serializers.CharField(
        source="detection.source", default=None, help_text="given, only, detected, per_segment or mixed."
    )
    snr_db = serializers.FloatField(allow_null=True, help_text="Speech over noise, in decibels.")
    suspect_spans = Span(many=True, help_text="Where a listener should check.")
    warnings = Notice(many=True)
    turns = serializers.SerializerMethodField(help_text="Who spoke when; turns may overlap.")
    labelling = serializers.SerializerMethodField(help_text="Are the speakers being told apart anew?")

    def get_labelling(self, transcript: Transcript) -> bool:
        return transcript.labels_wanted is not None

    def to_representation(self, instance: Transcript) -> dict[str, Any]:
        self._document = selectors.document(instance)
        if not self.context.get("redact"):
            return super().to_representation(instance)
        made = insights.latest_summary(instance)
        summary = None if made is None else str(made.value["summary"])
        others = (instance.title, instance.media.filename, summary or "")
        self._document, (title, filename, text) = redaction.redacted(self._document, others)
        body = super().to_representation(instance)
        # The slug is made of the title; its other names name it as well.
        slug = body["slug"] if title == instance.title else instance.public_id
        source = {**body["source"], "filename": filename}
        return {**body, "title": title, "slug": slug, "source": source, "summary": text if summary else None}

    def get_text(self, transcript: Transcript) -> str:
        return self._document.text

    @extend_schema_field(Segment(many=True))
    def get_segments(self, transcript: Transcript) -> list[dict[str, Any]]:
        segments = enumerate(self._document.segments)
        return [Segment({"order": order, "segment": segment}).data for order, segment in segments]

    @extend_schema_field(Turn(many=True))
    def get_turns(self, transcript: Transcript) -> list[dict[str, Any]]:
        return [dict(Turn(turn).data) for turn in self._document.turns]

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_summary(self, transcript: Transcript) -> str | None:
        made = insights.latest_summary(transcript)
        return None if made is None else str(made.value["summary"])

    @extend_schema_field(Source)
    def get_source(self, transcript: Transcript) -> dict[str, Any]:
        return dict(Source(transcript.media).data)
