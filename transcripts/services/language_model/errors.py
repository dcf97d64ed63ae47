from stt_site.lib.errors import ErrorCode, ServiceError


def unavailable(what: str) -> ServiceError:
    message = f"The language model of this server {what}. Nothing was charged."
    return ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)


class Unfit(ServiceError):
    """It answers, and not what was asked for."""

    def __init__(self, wrong: str) -> None:
        said = unavailable(f"gave an answer that is not what was asked for ({wrong})")
        super().__init__(said.code, said.message)
