"""whisperX, words on: MODEL FILE THREADS [DIARIZER], the last a directory laid out as community-1, speakers on."""

import sys
import time

import torch
import torchaudio
import whisperx
import whisperx.alignment
from nltk.tokenize.punkt import PunktSentenceTokenizer
from whisperx.diarize import DiarizationPipeline

from benchmarks.rivals.report import report

LABELS = ("-", "|", *"ETAOINHSRDLUMWCFGYPBVK'XJQZ")
"""Of torchaudio's WAV2VEC2_ASR_BASE_960H, in its order."""

model, file, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
voices = DiarizationPipeline(model_name=sys.argv[4], device="cpu") if len(sys.argv) > 4 else None
torch.set_num_threads(threads)
torch.manual_seed(1)
pipeline = whisperx.load_model(model, "cpu", compute_type="int8", language="en", threads=threads)
aligner = torchaudio.models.wav2vec2_base(aux_num_out=len(LABELS)).eval()
metadata = {"language": "en", "dictionary": {c.lower(): at for at, c in enumerate(LABELS)}, "type": "torchaudio"}
# Trained parameters would come from a server; full stops are found without.
whisperx.alignment.nltk_load = lambda *_: PunktSentenceTokenizer()
began = time.perf_counter()
audio = whisperx.load_audio(file)
found = pipeline.transcribe(audio, batch_size=8)
recognised = time.perf_counter() - began
aligned = whisperx.align(found["segments"], aligner, metadata, audio, "cpu")
if voices:
    aligned = whisperx.assign_word_speakers(voices(audio), aligned)
report(
    package="whisperx",
    wall=time.perf_counter() - began,
    words=sum(len(segment["words"]) for segment in aligned["segments"]),
    text=" ".join(segment["text"].strip() for segment in found["segments"]),
)
print(f"without words {recognised:.2f} s", file=sys.stderr)
