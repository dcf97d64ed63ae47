"""Token ids in Whisper's order (text, end, start, 99 languages, tasks, time stamps), and the tokenizer as a file.

Whisper's own ids (50257 to 51864) stand far behind this small vocabulary. Training counts without the gap ("compact").
"""

from collections.abc import Callable
from typing import Any

from tests.micro_whisper.lexicon import (
    ENGLISH,
    FIRST_WORDS,
    MARKS,
    SPANISH,
    SPANISH_FIRST_WORDS,
    SPLIT,
    TO_ENGLISH,
    capital,
)

_LANGUAGES = (
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la "
    "mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be "
    "tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su"
)
LANGUAGES = tuple(_LANGUAGES.split())

END, START, FIRST_LANGUAGE = 50257, 50258, 50259
TRANSLATE, TRANSCRIBE, START_OF_LM, PREVIOUS, NO_SPEECH, NO_TIMES = 50358, 50359, 50360, 50361, 50362, 50363
FIRST_TIME, WHISPER_VOCABULARY = 50364, 51865

SPECIAL = {
    END: "<|endoftext|>",
    START: "<|startoftranscript|>",
    TRANSLATE: "<|translate|>",
    TRANSCRIBE: "<|transcribe|>",
    START_OF_LM: "<|startoflm|>",
    PREVIOUS: "<|startofprev|>",
    NO_SPEECH: "<|nospeech|>",
    NO_TIMES: "<|notimestamps|>",
    **{FIRST_LANGUAGE + index: f"<|{language}|>" for index, language in enumerate(LANGUAGES)},
}


def _byte_letters() -> dict[int, str]:
    """GPT-2's printable stand-in for each byte."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in shown}
    hidden = (byte for byte in range(256) if byte not in letters)
    return letters | {byte: chr(256 + index) for index, byte in enumerate(hidden)}


_LETTERS = _byte_letters()


def _piece(text: str) -> str:
    return "".join(_LETTERS[byte] for byte in text.encode())


def _make_pieces() -> tuple[list[str], list[tuple[str, str]]]:
    """256 bytes, one piece a word, two for a word of SPLIT, with the merges that build those.

    faster-whisper encodes symbols and any prompt, so every byte has to be there.
    """
    pieces = dict.fromkeys(_LETTERS[byte] for byte in range(256))
    for word in (*ENGLISH, *SPANISH, "here", "Carlos"):
        if word in SPLIT:
            head, tail = SPLIT[word]
            pieces.update(dict.fromkeys((_piece(f" {head}"), _piece(tail))))
        else:
            pieces[_piece(f" {word}")] = None
    first_words = sorted({*FIRST_WORDS, *(TO_ENGLISH[word] for word in SPANISH_FIRST_WORDS)})
    for word in (*first_words, *SPANISH_FIRST_WORDS):
        if word not in SPLIT:
            pieces[_piece(f" {capital(word)}")] = None
    pieces.update(dict.fromkeys((_piece(" To"), _piece(" Meet"))))
    merges: dict[tuple[str, str], None] = {}
    for piece in (*(part for head, tail in SPLIT.values() for part in (f" {head}", tail)), " To", " Meet"):
        built = _piece(piece)[0]
        for letter in _piece(piece)[1:]:
            merges[built, letter] = None
            built += letter
            pieces[built] = None
    return list(pieces), list(merges)


PIECES, MERGES = _make_pieces()
_ID = {piece: index for index, piece in enumerate(PIECES)}


def compact(token: int) -> int:
    """Whisper's id to the one used in training."""
    return token if token < len(PIECES) else len(PIECES) + token - END


def whisper_id(token: int) -> int:
    return token if token < len(PIECES) else END + token - len(PIECES)


VOCABULARY = compact(WHISPER_VOCABULARY)


def language_id(language: str) -> int:
    return FIRST_LANGUAGE + LANGUAGES.index(language)


def word_tokens(word: str) -> tuple[list[int], list[int]]:
    """Ids of the word and of the mark behind it."""
    core = word.rstrip(MARKS)
    mark = word[len(core) :]
    lower = core[0].lower() + core[1:]
    if core in SPLIT:
        head, tail = SPLIT[core]
        ids = [_ID[_piece(f" {head}")], _ID[_piece(tail)]]
    elif lower in SPLIT and _piece(f" {core}") not in _ID:
        head, tail = SPLIT[lower]
        ids = [_ID[_piece(f" {capital(head)}")], _ID[_piece(tail)]]
    else:
        ids = [_ID[_piece(f" {core}")]]
    return ids, [_ID[_piece(mark)]] if mark else []


def tokenizer(place: Callable[[int], int]) -> dict[str, Any]:
    """`place`: Whisper's id to the id in the shipped layout.

    Special tokens stand in the vocabulary too: the ids of added tokens alone are ignored where they are not contiguous.
    """
    vocabulary = {piece: index for index, piece in enumerate(PIECES)}
    vocabulary |= {SPECIAL[token]: place(token) for token in sorted(SPECIAL)}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": place(token), "content": SPECIAL[token], **flags} for token in sorted(SPECIAL)],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": True,
            "vocab": vocabulary,
            "merges": [list(pair) for pair in MERGES],
        },
    }


def compact_place(token: int) -> int:
    """Behind the pieces stands the empty token, by which CTranslate2 4.7 and later knows a multilingual model."""
    return token if token < len(PIECES) else token - END + len(PIECES) + 1
