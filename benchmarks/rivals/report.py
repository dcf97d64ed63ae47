"""What every program here prints: one line of JSON."""

import json
import resource
from importlib.metadata import version


def report(*, package: str, wall: float, words: int, text: str) -> None:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "version": version(package),
        "wall": wall,
        "words": words,
        "text": text,
        "peak_mb": usage.ru_maxrss / 1024,
        "cpu": usage.ru_utime + usage.ru_stime + children.ru_utime + children.ru_stime,
    }
    print(json.dumps(result))
