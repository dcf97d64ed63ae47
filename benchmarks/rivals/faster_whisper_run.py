"""faster-whisper's BatchedInferencePipeline: MODEL FILE THREADS."""

import sys
import time

from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.rivals.report import report

model, file, threads = sys.argv[1:]
pipeline = BatchedInferencePipeline(WhisperModel(model, cpu_threads=int(threads)))
began = time.perf_counter()
segments = list(pipeline.transcribe(file, language="en", beam_size=5, word_timestamps=True, vad_filter=True)[0])
report(
    package="faster-whisper",
    wall=time.perf_counter() - began,
    words=sum(len(segment.words) for segment in segments),
    text=" ".join(segment.text.strip() for segment in segments),
)
