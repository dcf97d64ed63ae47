"""The bodies of this dialect, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from transcripts.api.dialects.openai.request import DIARIZED, FORMATS, GRANULARITIES


class TranslationForm(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="At most 25 MB.")
    model = serializers.CharField(help_text="whisper-1 and its kind, or an id of GET /v1/models.")
    prompt = serializers.CharField(required=False, help_text="Text that the speech continues, or its style.")
    response_format = serializers.ChoiceField(choices=FORMATS, required=False, default="json")
    temperature = serializers.FloatField(required=False, default=0, min_value=0, max_value=1)


class TranscriptionForm(TranslationForm):
    response_format = serializers.ChoiceField(choices=(*FORMATS, DIARIZED), required=False, default="json")
    language = serializers.CharField(required=False, help_text="ISO 639-1; absent: it is detected.")
    stream = serializers.BooleanField(required=False, default=False, help_text="Send the text while it is made.")
    chunking_strategy = serializers.CharField(required=False, help_text="auto, or a server_vad object as JSON.")


for _name, _help in (
    ("languages", "Candidates for the detection."),
    ("keywords", "Terms to listen for."),
    ("known_speaker_names", "At most 4."),
    ("known_speaker_references", "Data URLs of 2 to 10 seconds of each voice."),
):
    TranscriptionForm._declared_fields[f"{_name}[]"] = serializers.ListField(
        child=serializers.CharField(), required=False, help_text=_help
    )
TranscriptionForm._declared_fields["timestamp_granularities[]"] = serializers.ListField(
    child=serializers.ChoiceField(choices=GRANULARITIES), required=False, help_text="With verbose_json."
)
TranscriptionForm._declared_fields["include[]"] = serializers.ListField(
    child=serializers.ChoiceField(choices=("logprobs",)), required=False, help_text="With json."
)


class OpenAISegment(serializers.Serializer[Any]):
    id = serializers.JSONField(help_text="A number; in diarized_json a name.")
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()
    text = serializers.CharField()
    seek = serializers.IntegerField(required=False)
    tokens = serializers.ListField(child=serializers.IntegerField(), required=False)
    temperature = serializers.FloatField(required=False)
    avg_logprob = serializers.FloatField(required=False)
    compression_ratio = serializers.FloatField(required=False)
    no_speech_prob = serializers.FloatField(required=False)
    type = serializers.CharField(required=False, help_text="transcript.text.segment, in diarized_json.")
    speaker = serializers.CharField(required=False, help_text="A, B and so on, or the name of a known speaker.")


class OpenAIWord(serializers.Serializer[Any]):
    word = serializers.CharField()
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()


class OpenAILogprob(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="A word with the space before it.")
    bytes = serializers.ListField(child=serializers.IntegerField())
    logprob = serializers.FloatField()


class OpenAILanguage(serializers.Serializer[Any]):
    code = serializers.CharField()


class OpenAIUsage(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=("duration", "tokens"))
    seconds = serializers.IntegerField(required=False)
    input_tokens = serializers.IntegerField(required=False)
    output_tokens = serializers.IntegerField(required=False)
    total_tokens = serializers.IntegerField(required=False)


class TranscriptionAnswer(serializers.Serializer[Any]):
    text = serializers.CharField()
    task = serializers.ChoiceField(choices=("transcribe", "translate"), required=False)
    language = serializers.CharField(required=False, help_text="Its English name, in verbose_json.")
    duration = serializers.FloatField(required=False)
    segments = OpenAISegment(many=True, required=False)
    words = OpenAIWord(many=True, required=False)
    logprobs = OpenAILogprob(many=True, required=False)
    languages = OpenAILanguage(many=True, required=False)
    usage = OpenAIUsage(required=False)


class OpenAIModel(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    owned_by = serializers.CharField()


class ErrorDetail(serializers.Serializer[Any]):
    message = serializers.CharField(help_text="What happened, what it cost, what to do.")
    type = serializers.CharField()
    param = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)


class ErrorBody(serializers.Serializer[Any]):
    error = ErrorDetail()
