"""Small models for tests: the embedder, unpacked once a machine, and a writer and a translator of random weights.

`python -m tests.engine.text_models` converts the latter anew into tests/fixtures.
"""

import fcntl
import json
import os
import tempfile
from pathlib import Path

from engine import catalog, hub
from engine.text import minilm
from engine.text.convert import convert

FIXTURES = Path(__file__).parents[1] / "fixtures"
WRITER, TRANSLATOR = FIXTURES / "tiny_writer", FIXTURES / "tiny_translator"
SHARED = Path(tempfile.gettempdir()) / f"steno-tests-{os.getuid()}" / "models"


def with_embedder(models_dir: Path) -> Path:
    """`models_dir`, in which the embedder is at home without being converted again."""
    SHARED.mkdir(parents=True, exist_ok=True)
    with (SHARED / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        directory = minilm.ready(SHARED)
    models_dir.mkdir(parents=True, exist_ok=True)
    (models_dir / minilm.ID).symlink_to(directory)
    return models_dir


def with_text_models(models_dir: Path) -> Path:
    """The same with a writer and a translator, whose words have no meaning."""
    (with_embedder(models_dir) / catalog.WRITER).symlink_to(WRITER)
    (models_dir / catalog.TRANSLATOR).symlink_to(TRANSLATOR)
    return models_dir


ROPE_THETA = 1_000_000.0
WORDS = (
    "The meeting starts at ten and everybody is there.",
    "Who takes the notes today? Ann does, as always.",
    "Señor Müller grüßt alle: «Guten Tag» und 你好.",
    "assistant system user 0123456789 !?.,;:-()[]{}'\"<|>_/",
)


def tiny_writer(directory: Path) -> Path:
    """A Qwen2 of random weights as the hub keeps the real one, with its marks of the dialogue."""
    import torch
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    words.train_from_iterator(WORDS, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet))
    words.add_special_tokens([AddedToken(mark) for mark in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")])
    PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|im_end|>", pad_token="<|endoftext|>").save_pretrained(
        directory
    )
    torch.manual_seed(7)
    shape = Qwen2Config(
        vocab_size=words.get_vocab_size() + 5,  # the real one has room to spare as well
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        initializer_range=0.3,  # so much that places and words make a difference
        dtype=torch.bfloat16,
    )
    shape.rope_parameters = {"rope_type": "default", "rope_theta": ROPE_THETA}
    Qwen2ForCausalLM(shape).to(torch.bfloat16).save_pretrained(directory)
    _as_published(directory / "config.json")
    return directory


def _as_published(config: Path) -> None:
    """In the words of the real model's file, which an older transformers wrote."""
    shape = json.loads(config.read_text())
    del shape["rope_parameters"]
    shape["torch_dtype"] = shape.pop("dtype")
    shape |= {"rope_theta": ROPE_THETA, "use_sliding_window": False, "sliding_window": 32_768, "max_window_layers": 2}
    config.write_text(json.dumps(shape))


def tiny_translator(directory: Path) -> Path:
    """A T5 of random weights in the layout of MADLAD-400, which knows how to ask for four languages."""
    import sentencepiece
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    directory.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(WORDS),
        model_prefix=str(directory / "spiece"),
        vocab_size=150,
        hard_vocab_limit=False,
        pad_id=1,
        eos_id=2,
        unk_id=0,
        bos_id=-1,
        pad_piece="<pad>",
        user_defined_symbols=["<2de>", "<2iw>", "<2yue>", "<2zh_Hant>", "<2translate>"],
    )
    (directory / "spiece.vocab").unlink()
    (directory / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer", "extra_ids": 0}')
    size = sentencepiece.SentencePieceProcessor(model_file=str(directory / "spiece.model")).get_piece_size()
    torch.manual_seed(7)
    shape = T5Config(
        vocab_size=size + 10,
        d_model=64,
        d_kv=16,
        d_ff=128,
        num_layers=2,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        pad_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(shape).save_pretrained(directory)
    return directory


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        convert(tiny_writer(Path(scratch) / "writer"), WRITER, hub.LAYOUTS["writer"].kept)
        convert(tiny_translator(Path(scratch) / "translator"), TRANSLATOR, hub.LAYOUTS["translator"].kept)
