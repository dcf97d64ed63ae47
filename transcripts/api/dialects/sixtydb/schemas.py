"""The bodies of this dialect, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

CSV = "Separated by commas."


class SttForm(serializers.Serializer[Any]):
    file = serializers.FileField(
        help_text="Audio, or a video with sound: 10 MB, an hour. `audio` is another name for it."
    )
    language = serializers.CharField(required=False, default="auto", help_text="One of GET /stt/languages, or auto.")
    languages = serializers.CharField(required=False, help_text=f"Candidates for detection. {CSV}")
    diarize = serializers.BooleanField(required=False, default=False, help_text="30 % on top of the price.")
    min_speakers = serializers.IntegerField(required=False, max_value=50, help_text="0 or less: unknown.")
    max_speakers = serializers.IntegerField(required=False, max_value=50, help_text="0 or less: unknown.")
    return_timestamps = serializers.ChoiceField(choices=["none", "word"], required=False, default="none")
    include_confidence = serializers.BooleanField(required=False, default=False)
    context = serializers.CharField(  # type: ignore[assignment]
        required=False, max_length=4000, help_text="What it is about."
    )
    keywords = serializers.CharField(required=False, help_text=f"term or term:weight, above 0 and at most 10. {CSV}")
    script_correction = serializers.BooleanField(required=False, default=False, help_text="Hindi mixed with English.")


class SttWord(serializers.Serializer[Any]):
    word = serializers.CharField()
    start = serializers.FloatField(required=False, help_text="Seconds.")
    end = serializers.FloatField(required=False)
    confidence = serializers.FloatField(required=False, help_text="0 to 1.")
    boosted = serializers.BooleanField(required=False, help_text="A keyword took the place of `original`.")
    original = serializers.CharField(required=False)


class SttSpeaker(serializers.Serializer[Any]):
    speaker = serializers.CharField(help_text="SPEAKER_00, in order of first speech.")
    start = serializers.FloatField()
    end = serializers.FloatField()


class SttSegment(serializers.Serializer[Any]):
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()
    language = serializers.CharField(allow_null=True)
    language_name = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    confidence = serializers.FloatField(help_text="0 to 1.")
    words = SttWord(many=True)
    speakers = SttSpeaker(many=True, required=False)
    chunk_idx = serializers.IntegerField(required=False, help_text="Of recordings longer than 90 s.")


class SttWarning(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    affected_segments = serializers.ListField(child=serializers.IntegerField())


class SttDetection(serializers.Serializer[Any]):
    mode = serializers.CharField()
    candidates = serializers.ListField(child=serializers.CharField())
    segment_count = serializers.IntegerField()
    lid_calls = serializers.IntegerField(help_text="Stretches of speech that were listened to for their language.")


class SttAnswer(serializers.Serializer[Any]):
    request_id = serializers.CharField()
    language = serializers.CharField(allow_null=True, help_text="null: nobody spoke.")
    language_name = serializers.CharField(allow_null=True)
    languages = serializers.ListField(child=serializers.CharField(), allow_null=True)
    language_source = serializers.ChoiceField(choices=["fast_path", "lid_per_segment", "long_audio_chunked", "mixed"])
    duration_sec = serializers.FloatField()
    snr_db = serializers.FloatField(allow_null=True, help_text="Speech over noise.")
    processing_ms = serializers.IntegerField()
    rtf = serializers.FloatField(allow_null=True)
    text = serializers.CharField()
    segments = SttSegment(many=True)
    words = SttWord(many=True)
    warnings = SttWarning(many=True)
    warning_codes = serializers.ListField(child=serializers.CharField())
    language_detection = SttDetection()


class Refused(serializers.Serializer[Any]):
    success = serializers.BooleanField(help_text="false")
    message = serializers.CharField(help_text="A sentence: what happened, what it cost, what to do.")
    error_code = serializers.CharField()
    details = serializers.DictField()


class SttModel(serializers.Serializer[Any]):
    id = serializers.CharField()
    model_name = serializers.CharField()
    description = serializers.CharField()
    category = serializers.CharField()
    type = serializers.CharField()
    languages = serializers.IntegerField()
    features = serializers.ListField(child=serializers.CharField())


class ModelsAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()


class SttLanguage(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    native = serializers.CharField(required=False)
    code_switching = serializers.BooleanField(required=False)
    available = serializers.BooleanField(required=False, help_text="false: no model of this server knows it.")


class SttLanguages(serializers.Serializer[Any]):
    languages = SttLanguage(many=True)
    total = serializers.IntegerField(help_text="Without auto.")
    features = serializers.DictField()


class LanguagesAnswer(serializers.Serializer[Any]):
    success = serializers.BooleanField()


# A field called `data` would hide the serializer's own attribute in its class body.
ModelsAnswer._declared_fields["data"] = SttModel(many=True)
LanguagesAnswer._declared_fields["data"] = SttLanguages()
