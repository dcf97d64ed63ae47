"""The bodies of this dialect, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from accounts.services.stream_tokens import LONGEST_SECONDS
from transcripts.api.dialects.stt_ai.request import FORMATS
from transcripts.api.schemas import HEALTH, Notice, Span


class TranscribeForm(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="Audio, or a video with sound.")
    model = serializers.CharField(required=False, help_text="One of GET /v1/models; absent: the server's default.")
    language = serializers.CharField(required=False, default="auto", help_text="ISO 639-1, or auto.")
    diarize = serializers.BooleanField(required=False, default=True)
    speakers = serializers.IntegerField(required=False, default=0, min_value=0, max_value=50, help_text="0: find out.")
    response_format = serializers.ChoiceField(choices=sorted(FORMATS), required=False, default="json")
    channels = serializers.ChoiceField(
        choices=["mix", "speakers"], required=False, default="mix", help_text="speakers: each channel is one person."
    )


class EnhanceForm(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="Audio, or a video with sound.")


class TtsForm(serializers.Serializer[Any]):
    reference = serializers.FileField(help_text="3 to 10 seconds of the voice.")
    text = serializers.CharField(max_length=1000)
    consent = serializers.BooleanField(help_text="true: the person whose voice it is has agreed.")


class SpokenWord(serializers.Serializer[Any]):
    word = serializers.CharField()
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()


class SpokenSegment(serializers.Serializer[Any]):
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()
    text = serializers.CharField()
    speaker = serializers.CharField(required=False, help_text="Speaker 1, in order of first speech.")
    confidence = serializers.FloatField(help_text="0 to 1.")
    words = SpokenWord(many=True)


class TranscribeAnswer(serializers.Serializer[Any]):
    text = serializers.CharField()
    language = serializers.CharField(allow_null=True)
    duration = serializers.FloatField(help_text="Seconds of decoded audio.")
    segments = SpokenSegment(many=True)
    speakers = serializers.ListField(child=serializers.CharField())
    model = serializers.CharField(help_text="The model that answered.")
    coverage = serializers.FloatField(help_text="Share of the speech found that has words, 0 to 1.")
    suspect_spans = Span(many=True, help_text="Where a listener should check.")
    warnings = Notice(many=True)
    transcript_id = serializers.CharField(required=False, help_text="With a key only: the result was kept under it.")


class StreamTokenRequest(serializers.Serializer[Any]):
    max_seconds = serializers.IntegerField(
        required=False, default=LONGEST_SECONDS, min_value=1, max_value=LONGEST_SECONDS, help_text="Of audio."
    )


class StreamTokenAnswer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
    max_seconds = serializers.IntegerField()


class Model(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    languages = serializers.IntegerField()
    speed = serializers.ChoiceField(choices=["very_fast", "fast", "standard"])
    installed = serializers.BooleanField(help_text="False: fetched at first use, where the server may.")
    default = serializers.BooleanField()


class ModelList(serializers.Serializer[Any]):
    object = serializers.CharField()
    models = Model(many=True)


# A field called `data` would hide the serializer's own attribute in its class body.
ModelList._declared_fields["data"] = Model(many=True)


class Language(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class LanguageList(serializers.Serializer[Any]):
    languages = Language(many=True)


class TextHealth(serializers.Serializer[Any]):
    embedder = serializers.CharField(allow_null=True, help_text="Compares texts by meaning.")
    writer = serializers.CharField(allow_null=True, help_text="Writes text in this server; null: none is installed.")
    translator = serializers.CharField(allow_null=True, help_text="Translates text; null: none is installed.")


class HealthAnswer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=HEALTH)
    gpu_available = serializers.BooleanField()
    gpu_name = serializers.CharField(allow_null=True)
    gpu_memory_mb = serializers.IntegerField(allow_null=True)
    ledger = serializers.ChoiceField(
        choices=["ok", "broken", "unchecked"], help_text="broken: new paid work is refused until it is mended."
    )
    model = serializers.CharField(required=False, help_text="What answers a request that names none.")
    embedded = serializers.BooleanField(required=False, help_text="True: only the packaged English recogniser is here.")
    diarizer = serializers.CharField(required=False, allow_null=True, help_text="Tells speakers apart; null: nobody.")
    text = TextHealth(required=False)
    sandbox = serializers.ChoiceField(choices=["full", "reduced"], required=False)
    queued = serializers.IntegerField(required=False)
    error = serializers.CharField(required=False)
