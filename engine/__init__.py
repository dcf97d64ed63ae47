from engine import torchaudio_cpu

torchaudio_cpu.install()
