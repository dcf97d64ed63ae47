"""The bodies of this dialect, for the OpenAPI document."""

from typing import Any

from rest_framework import serializers

from transcripts.api.dialects.interfaze.request import MODEL, ROLES


class FilePart(serializers.Serializer[Any]):
    file_data = serializers.CharField(help_text="A URL, data:…;base64,… or bare base64; at most 20 MB, 80 MB by URL.")
    filename = serializers.CharField(required=False)


class AudioPart(serializers.Serializer[Any]):
    format = serializers.CharField(required=False, help_text="Not believed: the bytes say what it is.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # As an attribute `data` would take the place of a serializer's own.
        return {"data": serializers.CharField(help_text="As file_data."), **super().get_fields()}


class ContentPart(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["text", "file", "input_audio", "image_url"])
    text = serializers.CharField(required=False)
    file = FilePart(required=False)
    input_audio = AudioPart(required=False)


class ChatMessage(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=sorted(ROLES))
    content = ContentPart(many=True, help_text="Or a text.")


class JsonSchema(serializers.Serializer[Any]):
    name = serializers.CharField(required=False)
    schema = serializers.DictField(required=False, help_text="JSON Schema 2020-12.")


class ResponseFormat(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["text", "json_object", "json_schema"])
    json_schema = JsonSchema(required=False)


class StreamOptions(serializers.Serializer[Any]):
    include_usage = serializers.BooleanField(required=False, default=False)


class ChatRequest(serializers.Serializer[Any]):
    model = serializers.CharField(required=False, default=MODEL, help_text="interfaze-…")
    messages = ChatMessage(many=True, allow_empty=False)
    response_format = ResponseFormat(required=False)
    stream = serializers.BooleanField(required=False, default=False)
    stream_options = StreamOptions(required=False)
    max_tokens = serializers.IntegerField(required=False, min_value=1, max_value=32_000, help_text="Cuts nothing off.")
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2, help_text="No effect.")
    top_p = serializers.FloatField(required=False, min_value=0, max_value=1, help_text="No effect.")


class ChatUsage(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField(help_text="An estimate; credits are by the audio's length.")
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class AnswerMessage(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField(help_text="The transcript, or JSON as response_format asks.")


class ChatChoice(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    message = AnswerMessage()
    finish_reason = serializers.CharField()


class Precontext(serializers.Serializer[Any]):
    name = serializers.ChoiceField(choices=["stt", "translate"])
    result = serializers.DictField()


class ChatCompletion(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="interfaze-<Unix milliseconds>")
    object = serializers.CharField()
    created = serializers.IntegerField(help_text="Unix seconds.")
    model = serializers.CharField(help_text="As it was named; the header X-Model says what answered.")
    choices = ChatChoice(many=True)
    usage = ChatUsage()
    vcache = serializers.BooleanField()
    precontext = Precontext(many=True, required=False, help_text="The raw results; not in task mode.")


class ChatErrorBody(serializers.Serializer[Any]):
    message = serializers.CharField()
    type = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()


class ChatError(serializers.Serializer[Any]):
    error = ChatErrorBody()
