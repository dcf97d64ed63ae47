"""A directory laid out as pyannote's community-1, with random weights: everything but what training gives.

Windows are 3 s unless told otherwise, instead of 10, so that a test hears a few of them in seconds.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from tests.engine.speech import ENGLISH, talk

WINDOW = 3.0
PAIRS_ARE_RARE = 2.0
"""Taken from the logits of the three classes in which two speak; most frames are then one voice's."""
CONFIG = """
dependencies:
  pyannote.audio: 4.0.0
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: VBxClustering
    segmentation: $model/segmentation
    segmentation_batch_size: 32
    embedding: $model/embedding
    embedding_batch_size: 32
    embedding_exclude_overlap: true
    plda: $model/plda
params:
  clustering:
    threshold: 0.6
    Fa: 0.07
    Fb: 0.8
  segmentation:
    min_duration_off: 0.0
"""


def make(directory: Path, *, seed: int = 1, window: float = WINDOW) -> Path:
    os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
    import torch

    torch.manual_seed(seed)
    (directory / "plda").mkdir(parents=True)
    (directory / "config.yaml").write_text(CONFIG)
    _save(_segmentation(window), directory / "segmentation")
    _save(_embedding(), directory / "embedding")
    rng = np.random.default_rng(seed)
    turned = np.linalg.qr(rng.standard_normal((256, 128)))[0]
    np.savez(directory / "plda" / "xvec_transform.npz", mean1=np.zeros(256), mean2=np.zeros(128), lda=turned)
    np.savez(directory / "plda" / "plda.npz", mu=np.zeros(128), tr=np.eye(128), psi=np.linspace(8.0, 0.1, 128))
    return directory


def _segmentation(window: float) -> Any:
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    lstm = {"num_layers": 2, "hidden_size": 32, "bidirectional": True, "monolithic": True, "dropout": 0.0}
    model = PyanNet(sincnet={"stride": 10}, lstm=lstm)
    model.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=window,
        min_duration=None,
        warm_up=(0.0, 0.0),
        classes=["speaker#1", "speaker#2", "speaker#3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    model.build()
    _balance(model)
    return model


def _balance(model: Any) -> None:
    """Fresh weights give every frame the same class; after this the audio decides."""
    import torch

    talking = torch.from_numpy(talk(ENGLISH)).float()[None, None] / 32768
    seen: list[Any] = []
    handle = model.classifier.register_forward_hook(lambda module, inputs, output: seen.append(output))
    with torch.inference_mode():
        model.eval()(talking)
    handle.remove()
    scale = 1.0 / seen[0].std(dim=(0, 1))
    with torch.no_grad():
        model.classifier.bias -= seen[0].mean(dim=(0, 1))
        model.classifier.bias *= scale
        model.classifier.weight *= scale[:, None]
        model.classifier.bias[4:] -= PAIRS_ARE_RARE


def _embedding() -> Any:
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import WeSpeakerResNet34

    model = WeSpeakerResNet34()
    model.specifications = Specifications(problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0)
    return model


def _save(model: Any, directory: Path) -> None:
    import lightning
    import torch

    directory.mkdir()
    model.eval()
    checkpoint = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
        "epoch": 0,
        "global_step": 0,
    }
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, directory / "pytorch_model.bin")
