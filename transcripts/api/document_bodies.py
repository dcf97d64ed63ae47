"""The bodies of the addresses under which a document is edited."""

from typing import Any

from rest_framework import serializers

from transcripts.services.editing.outcome import TurnView


class Words(serializers.ListField):
    """`[text, start, end, probability]` of each, in seconds; a word that a person corrected has probability 1."""

    child = serializers.ListField(min_length=4, max_length=4)

    def to_representation(self, data: Any) -> list[Any]:
        return [[word.text, word.start, word.end, word.probability] for word in data]


class TurnBody(serializers.Serializer[TurnView]):
    id = serializers.IntegerField()
    rev = serializers.IntegerField(help_text="The edit that touched it last; to be sent back as base_rev.")
    place = serializers.IntegerField(help_text="Orders the turns.")
    start = serializers.FloatField(help_text="Seconds.")
    end = serializers.FloatField()
    speaker = serializers.IntegerField(allow_null=True, help_text="The id of a speaker.")
    language = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    words = Words(allow_null=True, help_text="[text, start, end, probability]; null where they did not change.")


class SpeakerBody(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class DocumentBody(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    rev = serializers.IntegerField(help_text="Goes up with every change.")
    edited = serializers.BooleanField()
    can_undo = serializers.BooleanField()
    can_redo = serializers.BooleanField()
    word_count = serializers.IntegerField()
    speakers = SpeakerBody(many=True)
    turns = TurnBody(many=True)


class OutcomeBody(serializers.Serializer[Any]):
    rev = serializers.IntegerField()
    edit = serializers.IntegerField(allow_null=True, help_text="Its number in the history; null: nothing changed.")
    changed = TurnBody(many=True, help_text="The touched turns as they stand now.")
    removed = serializers.ListField(child=serializers.IntegerField())
    speakers = SpeakerBody(many=True)
    can_undo = serializers.BooleanField()
    can_redo = serializers.BooleanField()
    word_count = serializers.IntegerField()
    replaced = serializers.IntegerField(allow_null=True, help_text="How often, of find and replace.")


class ConflictBody(serializers.Serializer[Any]):
    error = serializers.CharField()
    code = serializers.CharField(help_text="edit_conflict where `base_rev` was old.")
    yours = serializers.CharField(allow_null=True, help_text="The text that was sent.")
    turn = TurnBody(allow_null=True, help_text="What stands there now; null: it is gone.")


class TurnsQuery(serializers.Serializer[Any]):
    words = serializers.BooleanField(required=False, default=False)


class Base(serializers.Serializer[Any]):
    base_rev = serializers.IntegerField(min_value=0, help_text="The turn's rev as you know it.")


class TurnEdit(Base):
    text = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    accept = serializers.ListField(
        child=serializers.IntegerField(min_value=0),
        required=False,
        max_length=10_000,
        help_text="Numbers of words that are right as they are.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("text" in attrs) == ("accept" in attrs):
            raise serializers.ValidationError("Send either a text or the words to accept.")
        return attrs


class Split(Base):
    before = serializers.CharField()
    after = serializers.CharField()


class Assign(serializers.Serializer[Any]):
    speaker = serializers.IntegerField(required=False, allow_null=True)
    name = serializers.CharField(required=False, max_length=100)
    scope = serializers.ChoiceField(choices=["turn", "onward", "everywhere"], required=False, default="turn")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("speaker" in attrs) == ("name" in attrs):
            raise serializers.ValidationError("Send either a speaker or a name.")
        return attrs


class Times(Base):
    first = serializers.IntegerField(min_value=0, help_text="Number of a word in the turn, from 0.")
    last = serializers.IntegerField(min_value=0)
    start = serializers.FloatField(min_value=0, max_value=1e6, help_text="Seconds.")
    end = serializers.FloatField(min_value=0, max_value=1e6)


class MergeSpeakers(serializers.Serializer[Any]):
    speaker = serializers.IntegerField()
    into = serializers.IntegerField()


class Replace(serializers.Serializer[Any]):
    find = serializers.CharField(max_length=500)
    replace = serializers.CharField(max_length=500, allow_blank=True, trim_whitespace=False)
    match_case = serializers.BooleanField(required=False, default=False)
    whole_word = serializers.BooleanField(required=False, default=False)
    turn = serializers.IntegerField(required=False, allow_null=True, default=None, min_value=0)
