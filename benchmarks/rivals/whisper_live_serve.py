"""WhisperLive's server with its faster-whisper backend: MODEL PORT."""

import sys

from whisper_live.server import TranscriptionServer

TranscriptionServer().run(
    "127.0.0.1",
    port=int(sys.argv[2]),
    backend="faster_whisper",
    faster_whisper_custom_model_path=sys.argv[1],
    single_model=True,
)
