"""The bodies of this dialect, for the OpenAPI document."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from transcripts.api.dialects.jigsawstack.request import LARGEST_BATCH, LONGEST_CHUNK, USUAL_BATCH, USUAL_CHUNK
from transcripts.api.schemas import Notice


class JigsawRefused(serializers.Serializer[Any]):
    success = serializers.BooleanField(help_text="Always false.")
    message = serializers.CharField(help_text="A sentence: what happened, what it cost, what to do.")
    error = serializers.CharField(help_text="Stable, for programs.")
    log_id = serializers.CharField(help_text="The same as X-Request-Id.")


REFUSALS = dict.fromkeys((400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 429, 503, 507), JigsawRefused)


class JigsawTranscribeOptions(serializers.Serializer[Any]):
    url = serializers.URLField(required=False, help_text="Of the recording. Or file_store_key, or an uploaded file.")
    file_store_key = serializers.CharField(required=False)
    language = serializers.CharField(
        required=False, default="auto", help_text="What is spoken; with translate, what to translate into."
    )
    translate = serializers.BooleanField(required=False, default=False)
    by_speaker = serializers.BooleanField(required=False, default=False)
    webhook_url = serializers.URLField(required=False, help_text="Answers at once, and later to this address.")
    batch_size = serializers.IntegerField(required=False, default=USUAL_BATCH, min_value=1, max_value=LARGEST_BATCH)
    chunk_duration = serializers.FloatField(
        required=False, default=USUAL_CHUNK, max_value=LONGEST_CHUNK, help_text="Seconds, above 0."
    )
    word_timestamps = serializers.BooleanField(required=False, default=False, help_text="Each word is a chunk.")
    stream = serializers.BooleanField(required=False, default=False, help_text="Server-sent events.")


class JigsawTranscribeForm(JigsawTranscribeOptions):
    file = serializers.FileField(required=False)
    body = serializers.CharField(required=False, help_text="The other fields as a JSON object.")


TRANSCRIBE_BODIES: Any = {
    "application/json": JigsawTranscribeOptions,
    "multipart/form-data": JigsawTranscribeForm,
    "audio/*": OpenApiTypes.BINARY,
}
TRANSCRIBE_HEADERS = [
    OpenApiParameter("x-jigsaw-skip-cache", bool, "header", description="Do not answer from an earlier transcript."),
    OpenApiParameter("x-jigsaw-no-request-log", bool, "header", description="Leave no line in the request log."),
]


class JigsawChunk(serializers.Serializer[Any]):
    timestamp = serializers.ListField(child=serializers.FloatField(), help_text="Start and end in seconds.")
    text = serializers.CharField(trim_whitespace=False)
    speaker = serializers.CharField(required=False)


class JigsawTurn(JigsawChunk):
    speaker = serializers.CharField(help_text="Speaker 1, in order of first speech.")


class JigsawUsage(serializers.Serializer[Any]):
    input_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField(help_text="Words and marks of the text.")
    inference_time_tokens = serializers.IntegerField(help_text="Ten a second of work.")
    total_tokens = serializers.IntegerField()


class JigsawTranscribeAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    text = serializers.CharField(required=False, trim_whitespace=False)
    chunks = JigsawChunk(many=True, required=False)
    speakers = JigsawTurn(many=True, required=False, help_text="With by_speaker.")
    language_detected = serializers.CharField(required=False, allow_null=True, help_text="Where no language was named.")
    confidence = serializers.FloatField(required=False, help_text="Of the language, 0 to 1.")
    warnings = Notice(many=True, required=False)
    _usage = JigsawUsage(required=False)
    status = serializers.CharField(required=False, help_text="With webhook_url: processing.")
    id = serializers.CharField(required=False, help_text="With webhook_url: what the webhook will name.")
    log_id = serializers.CharField()


class JigsawStoreForm(serializers.Serializer[Any]):
    file = serializers.FileField()
    body = serializers.CharField(required=False, help_text="The parameters as a JSON object.")


STORE_BODIES: Any = {"multipart/form-data": JigsawStoreForm, "*/*": OpenApiTypes.BINARY}
STORE_PARAMETERS = [
    OpenApiParameter("key", str, description="The file's name; absent: one is made."),
    OpenApiParameter("overwrite", bool, description="Replace the file that has this key."),
    OpenApiParameter("temp_public_url", bool, description="An address that needs no key, for a week."),
    OpenApiParameter("content_type", str),
]


class JigsawStoredAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    key = serializers.CharField()
    url = serializers.URLField()
    size = serializers.IntegerField(help_text="Bytes.")
    temp_public_url = serializers.URLField(required=False)


class JigsawDone(serializers.Serializer[Any]):
    success = serializers.BooleanField()
