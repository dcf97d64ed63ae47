from stt_site.lib.errors import ErrorCode, ServiceError


def unavailable(what: str) -> ServiceError:
    message = f"The language model of this server {what}. Nothing was charged."
    return ServiceError(ErrorCode.MODEL_UNAVAILABLE, message)
