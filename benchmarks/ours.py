"""Our engine as it runs in its process, sandboxed decoding included: MODEL FILE DIARIZER MODELS_DIR.

DIARIZER is `off`, `embedded` or `pyannote` (its weights lie in MODELS_DIR). Prints what the programs of rivals/ print.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import cast

from engine.config import DiarizerName, EngineConfig
from engine.local import LocalEngine
from engine.types import Options

WARM_SECONDS = 60.0


def main() -> None:
    model, file, diarizer, models_dir = sys.argv[1:]
    config = EngineConfig(
        Path(models_dir), default_model=model, fetch_models=False, diarizer=cast(DiarizerName, diarizer)
    )
    engine = LocalEngine(config)
    with engine.store.use(None):
        pass
    options = Options(language="en", diarize=diarizer != "off")
    began = time.perf_counter()
    transcript = engine.transcribe(Path(file), options, on_event=lambda event: None)
    wall = time.perf_counter() - began
    engine.close()
    usage, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    result = {
        "wall": wall,
        "words": sum(len(segment.words) for segment in transcript.segments),
        "text": transcript.text,
        "speakers": len(transcript.speakers),
        "peak_mb": usage.ru_maxrss / 1024,
        "cpu": usage.ru_utime + usage.ru_stime + children.ru_utime + children.ru_stime,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
