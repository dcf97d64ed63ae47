"""The bodies of a document's history and versions, and of the shelf that transcripts stand on."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from transcripts import selectors
from transcripts.api.schemas import STATUSES
from transcripts.api.serializers import Item, Problem
from transcripts.models import Transcript
from transcripts.services.editing.reading import VersionView
from transcripts.services.trash import KEPT


class HistoryQuery(serializers.Serializer[Any]):
    before = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1, help_text="Only earlier steps.")
    limit = serializers.IntegerField(required=False, default=50, min_value=1, max_value=200)


class StepBody(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    kind = serializers.CharField()
    summary = serializers.CharField()
    at = serializers.DateTimeField()
    by = serializers.CharField(allow_null=True)
    target = serializers.IntegerField(allow_null=True, help_text="The step that it takes back or does again.")
    turns = serializers.IntegerField(help_text="How many it touched.")
    in_force = serializers.BooleanField(help_text="Not taken back.")


class HistoryBody(serializers.Serializer[Any]):
    results = StepBody(many=True)
    next = serializers.IntegerField(allow_null=True, help_text="The `before` of the next page.")


class TurnDiffBody(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    before = serializers.CharField(allow_null=True, help_text="The changed sentences; null: there was no such turn.")
    after = serializers.CharField(allow_null=True)
    speaker_before = serializers.CharField(allow_null=True)
    speaker_after = serializers.CharField(allow_null=True)
    diff = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2),
        help_text='["=", kept], ["-", gone], ["+", new], in order.',
    )


class StepChanges(serializers.Serializer[Any]):
    changes = TurnDiffBody(many=True)
    renamed = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(allow_null=True), min_length=2, max_length=2),
        help_text="[before, after] of speakers' names.",
    )


class StepDetail(StepBody, StepChanges):
    """A step with what it changed."""


class VersionBody(serializers.Serializer[VersionView]):
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=["run", "labels"])
    current = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    model = serializers.CharField(help_text="Empty before its run has ended.")
    word_count = serializers.IntegerField()
    edits = serializers.IntegerField(help_text="Steps of its history.")
    status = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField(help_text="Share of the audio that is done, 0 to 1; null: not known.")
    error = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=STATUSES))
    def get_status(self, each: VersionView) -> str:
        return selectors.status_of(each.version.job) if each.version else "completed"

    def get_progress(self, each: VersionView) -> float | None:
        job = each.version and each.version.job
        return min(1.0, job.done_ms / job.total_ms) if job and job.total_ms else None

    @extend_schema_field(Problem(allow_null=True))
    def get_error(self, each: VersionView) -> dict[str, str] | None:
        job = each.version and each.version.job
        return {"code": job.error_code, "message": job.error_message} if job and job.error_code else None


class VersionsBody(serializers.Serializer[Any]):
    current = serializers.IntegerField()
    results = VersionBody(many=True)


class TrashQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(required=False, default=20, min_value=1, max_value=100)
    offset = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)


class Trashed(Item):
    trashed_at = serializers.DateTimeField()
    purge_at = serializers.SerializerMethodField(help_text="When it is deleted for ever.")

    @extend_schema_field(serializers.DateTimeField())
    def get_purge_at(self, transcript: Transcript) -> Any:
        assert transcript.trashed_at is not None
        return transcript.trashed_at + KEPT


class TrashPage(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    results = Trashed(many=True)


class TagBody(serializers.Serializer[Any]):
    name = serializers.CharField()
    count = serializers.IntegerField()


class TagsBody(serializers.Serializer[Any]):
    results = TagBody(many=True)


class Named(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.CharField(max_length=100),
        min_length=1,
        max_length=100,
        help_text="Numbers, slugs or public ids.",
    )


class BulkAction(Named):
    action = serializers.ChoiceField(choices=["tag", "untag", "trash", "restore"])
    tags = serializers.ListField(
        child=serializers.CharField(max_length=50), required=False, default=list, max_length=50
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["action"] in ("tag", "untag") and not attrs["tags"]:
            raise serializers.ValidationError("Say which tags.")
        return attrs


class BulkExport(Named):
    format = serializers.CharField(max_length=20)


class BulkDone(serializers.Serializer[Any]):
    done = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField(), help_text="Not there, or not yours.")
