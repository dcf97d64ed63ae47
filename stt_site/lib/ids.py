import secrets
import string

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def new_id(length: int = 10) -> str:
    """Random base62; ten characters carry 59 bits."""
    return "".join(secrets.choice(BASE62) for _ in range(length))
