"""What can go wrong in the engine. `code` is stable and crosses the socket; `message` is a sentence for people."""

from typing import ClassVar


class EngineError(Exception):
    """Base of all. `permanent`: trying the same input again will fail in the same way."""

    permanent: ClassVar[bool] = True

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class MediaError(EngineError):
    """The file cannot be transcribed. Codes are the keys of MEDIA_MESSAGES."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code, message or MEDIA_MESSAGES[code])


class ModelUnavailable(EngineError):
    """A named model is not on this server (code `model_unavailable`) or is no model at all (`unknown_model`)."""


class UnsupportedLanguage(EngineError):
    """The model that would answer does not know the language (code `unsupported_language`)."""


class TranslatorMissing(EngineError):
    """The text was wanted in a language that no model which may answer can write (code `translator_missing`)."""


class BadReference(EngineError):
    """The recording of a known speaker cannot be used (code `invalid_reference`); the message says whose, and why."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid_reference", message)


class VoiceUnavailable(EngineError):
    """This server cannot speak (code `voice_unavailable`); the message says what is missing."""

    def __init__(self, message: str) -> None:
        super().__init__("voice_unavailable", message)


class OutOfMemory(EngineError):
    """The model, its smallest batch or a decoder did not fit (code `out_of_memory`)."""

    permanent = False


class ModelsBusy(EngineError):
    """There is no memory for this model until another one has done its work (code `models_busy`)."""

    permanent = False


class EngineGone(EngineError):
    """The engine process died, was restarted or does not answer (code `engine_gone`)."""

    permanent = False


class Overloaded(EngineError):
    """As many streams are listened to as the device can follow (code `overloaded`)."""

    permanent = False

    def __init__(self) -> None:
        super().__init__("overloaded", "The server follows as many live streams as it can. Try again in a moment.")


class Cancelled(EngineError):
    """The caller gave up (code `cancelled`)."""

    def __init__(self, message: str = "The caller cancelled.") -> None:
        super().__init__("cancelled", message)


MEDIA_MESSAGES = {
    "empty_file": "The file is empty.",
    "unsupported_media": "This is not an audio or video file that can be read.",
    "no_audio_stream": "The file has no audio track.",
    "audio_too_short": "The file holds less than a tenth of a second of audio.",
    "unsupported_channels": "The audio has more channels than can be mixed down.",
    "too_many_channels": "The audio has more than 8 channels, too many to take each for a speaker.",
    "unsupported_sample_rate": "The audio's sample rate is outside 4 to 384 kHz.",
    "media_too_long": "The audio is longer than allowed.",
    "decode_failed": "The file is damaged: no audio could be decoded from it.",
    "decode_resource_limit": "Decoding the file took more memory or time than allowed.",
}
