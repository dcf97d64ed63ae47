import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_python(source: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_engine_does_not_import_torch_by_itself() -> None:
    assert run_python("import sys, engine.types; print('torch' in sys.modules, 'torchaudio' in sys.modules)") == [
        "False",
        "False",
    ]


def test_torchaudio_imports_behind_the_engine_and_refuses_what_is_native() -> None:
    source = """
import engine, torch, torchaudio
wave = torch.sin(torch.arange(16000) / 10)[None]
print(torchaudio.functional.resample(wave, 16000, 8000).shape[1])
print(torchaudio.compliance.kaldi.fbank(wave).shape[1])
if torch.version.cuda or torch.version.hip:
    print("refused")
else:
    try:
        torchaudio.functional.forced_align(wave[None], torch.zeros(1, 1))
    except RuntimeError:
        print("refused")
"""
    assert run_python(source) == ["8000", "23", "refused"]


def test_beside_a_cuda_torch_the_finder_keeps_out_of_the_way() -> None:
    source = """
import sys, types
import engine
torch = sys.modules["torch"] = types.ModuleType("torch")
torch.version = types.SimpleNamespace(cuda="13.0", hip=None)
finder = next(f for f in sys.meta_path if type(f).__module__ == "engine.torchaudio_cpu")
print(finder.find_spec("torchaudio._extension"))
torch.version.cuda = None
print(finder.find_spec("torchaudio._extension").name, finder.find_spec("torchaudio.functional"))
"""
    assert run_python(source) == ["None", "torchaudio._extension", "None"]
