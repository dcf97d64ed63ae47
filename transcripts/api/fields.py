"""Values of form and query fields, read as every dialect reads them."""

from stt_site.lib.errors import ErrorCode, ServiceError

_BOOLEANS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def boolean(name: str, value: str, *, default: bool) -> bool:
    if not value:
        return default
    known = _BOOLEANS.get(value.lower())
    if known is None:
        raise ServiceError(
            ErrorCode.INVALID_REQUEST, f"{name} must be true or false, not {value[:20]!r}. Nothing was charged."
        )
    return known


def integer(name: str, value: str, *, default: int, least: int, most: int) -> int:
    if not value:
        return default
    # int() alone would also take " 1_0 " and digits of other scripts.
    if not (value.isascii() and value.isdigit()) or not least <= int(value[:12]) <= most:
        raise ServiceError(
            ErrorCode.INVALID_REQUEST,
            f"{name} must be a whole number from {least} to {most}, not {value[:20]!r}. Nothing was charged.",
        )
    return int(value)
