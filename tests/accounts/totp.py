"""RFC 6238, for an authenticator app of the tests' own."""

import base64
import hashlib
import hmac
import struct
import time

PERIOD = 30


def code(secret: str, step: int = 0) -> str:
    """Six digits for now, or for `step` periods from now. Never for a period that is about to end."""
    if time.time() % PERIOD > PERIOD - 3:
        time.sleep(3.1)
    counter = struct.pack(">Q", int(time.time()) // PERIOD + step)
    digest = hmac.digest(base64.b32decode(secret), counter, hashlib.sha1)
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 10**6:06}"
