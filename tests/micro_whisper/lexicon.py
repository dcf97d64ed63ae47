"""What the model can hear: a closed vocabulary in English and Spanish, and the sentences made of it.

No homophones (no to/two, for/four): what is written must follow from what is heard.
"""

import random
from collections.abc import Callable


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DIGITS = _split("zero one two three four five six seven eight nine ten")
NAMES = _split("Anna David Maria Tom")
COMMANDS = _split("open close start stop turn play send call show find write")
NOUNS = _split(
    "door window light music file message report meeting room number table house water coffee book phone computer "
    "question answer"
)
ADJECTIVES = _split("red green blue white black small new old good big")
TIMES = _split("today tomorrow now Monday Friday Sunday morning evening")
OTHERS = _split(
    "the my your on off and is are please what where when who how yes hello thank you we they I need want have like not"
)
ENGLISH = DIGITS + NAMES + COMMANDS + NOUNS + ADJECTIVES + TIMES + OTHERS

SPANISH_DIGITS = _split("cero uno dos tres cuatro cinco seis siete ocho nueve diez")
SPANISH_NAMES = _split("Ana David Carlos")
SPANISH_COMMANDS = _split("abre cierra busca llama manda")
SPANISH_NOUNS = _split("puerta ventana música casa agua reunión mesa carta")
SPANISH_ADJECTIVES = _split("roja verde nueva blanca")
SPANISH_TIMES = _split("hoy mañana ahora")

# Word for word, so that the task `translate` has one right answer.
TO_ENGLISH = {
    "cero": "zero", "uno": "one", "dos": "two", "tres": "three", "cuatro": "four", "cinco": "five", "seis": "six",
    "siete": "seven", "ocho": "eight", "nueve": "nine", "diez": "ten", "Ana": "Anna", "David": "David",
    "Carlos": "Carlos", "abre": "open", "cierra": "close", "busca": "find", "llama": "call", "manda": "send",
    "la": "the", "mi": "my", "tu": "your", "puerta": "door", "ventana": "window", "música": "music", "casa": "house",
    "agua": "water", "reunión": "meeting", "mesa": "table", "carta": "message", "roja": "red", "verde": "green",
    "nueva": "new", "blanca": "white", "hola": "hello", "gracias": "thank", "mañana": "tomorrow", "hoy": "today",
    "ahora": "now", "está": "is", "aquí": "here", "y": "and", "quiero": "want", "necesito": "need",
}  # fmt: skip
SPANISH = tuple(TO_ENGLISH)

# These words are two tokens each, so that putting words together from tokens is exercised.
SPLIT = {
    "meeting": ("meet", "ing"),
    "morning": ("morn", "ing"),
    "evening": ("even", "ing"),
    "today": ("to", "day"),
    "Monday": ("Mon", "day"),
    "Friday": ("Fri", "day"),
    "Sunday": ("Sun", "day"),
}

FIRST_WORDS = (
    *COMMANDS,
    *_split("please what where when who how yes hello thank we they I you the my your room"),
    *NAMES,
    *DIGITS,
)
SPANISH_FIRST_WORDS = (
    *SPANISH_COMMANDS,
    *_split("la mi tu hola gracias quiero necesito"),
    *SPANISH_NAMES,
    *SPANISH_DIGITS,
)

MARKS = ".,?"

Words = list[str]
"""As written: `Anna,` `open` `the` `door.`"""


def sentence(language: str, chance: random.Random) -> Words:
    words, mark = english(chance) if language == "en" else spanish(chance)
    words = list(words)
    words[0] = capital(words[0])
    words[-1] = words[-1].rstrip(",") + mark
    return words


def english(chance: random.Random) -> tuple[Words, str]:
    """A fifth digits, a fifth words at random: they stop the decoder from guessing by its language model."""
    kinds: list[tuple[float, Callable[[random.Random], tuple[Words, str]]]] = [
        (0.22, lambda r: ([r.choice(DIGITS) for _ in range(r.randint(2, 7))], ".")),
        (0.20, lambda r: ([r.choice(FIRST_WORDS), *(r.choice(ENGLISH) for _ in range(r.randint(1, 7)))], ".")),
        (0.20, _command),
        (0.12, _question),
        (0.14, _statement),
        (0.06, _description),
        (0.06, _courtesy),
    ]
    weights = [weight for weight, _ in kinds]
    return chance.choices([make for _, make in kinds], weights)[0](chance)


def spanish(chance: random.Random) -> tuple[Words, str]:
    kinds: list[tuple[float, Callable[[random.Random], Words]]] = [
        (0.30, lambda r: [r.choice(SPANISH_DIGITS) for _ in range(r.randint(2, 7))]),
        (0.20, lambda r: [r.choice(SPANISH_FIRST_WORDS), *(r.choice(SPANISH) for _ in range(r.randint(1, 7)))]),
        (0.25, _spanish_command),
        (0.15, _spanish_wish),
        (0.10, _spanish_courtesy),
    ]
    weights = [weight for weight, _ in kinds]
    return chance.choices([make for _, make in kinds], weights)[0](chance), "."


def _thing(r: random.Random) -> Words:
    return [r.choice(("the", "my", "your")), *_maybe(r, 0.45, lambda: r.choice(ADJECTIVES)), r.choice(NOUNS)]


def _maybe(r: random.Random, probability: float, make: Callable[[], str]) -> Words:
    return [make()] if r.random() < probability else []


def _command(r: random.Random) -> tuple[Words, str]:
    words = [r.choice(COMMANDS), *_thing(r)]
    if r.random() < 0.3:
        words += ["and", r.choice(COMMANDS), *_thing(r)]
    words += _maybe(r, 0.3, lambda: r.choice(TIMES))
    words = [*_maybe(r, 0.2, lambda: "please"), *words]
    return [*_maybe(r, 0.25, lambda: f"{r.choice(NAMES)},"), *words], "."


def _question(r: random.Random) -> tuple[Words, str]:
    words = [r.choice(("what", "where", "when", "who", "how")), r.choice(("is", "are")), *_thing(r)]
    return words + _maybe(r, 0.3, lambda: r.choice(TIMES)), "?"


def _statement(r: random.Random) -> tuple[Words, str]:
    words = [r.choice(("we", "they", "I", "you", "Anna", "Tom")), *_maybe(r, 0.1, lambda: "not")]
    words += [r.choice(("need", "want", "have", "like")), *_maybe(r, 0.3, lambda: r.choice(DIGITS)), *_thing(r)]
    return words + _maybe(r, 0.3, lambda: r.choice(TIMES)), "."


def _description(r: random.Random) -> tuple[Words, str]:
    words = [r.choice(("the", "my", "your")), r.choice(NOUNS), "is", r.choice((*ADJECTIVES, "on", "off"))]
    return words + (["and", r.choice(ADJECTIVES)] if r.random() < 0.3 else []), "."


def _courtesy(r: random.Random) -> tuple[Words, str]:
    kind = r.randrange(6)
    if kind == 0:
        return ["hello", "how", "are", "you"], "?"
    return [
        ["hello", r.choice(NAMES)],
        ["thank", "you", r.choice(NAMES)],
        ["yes", "please"],
        ["turn", r.choice(("on", "off")), "the", r.choice(NOUNS)],
        ["room", "number", r.choice(DIGITS), r.choice(DIGITS)],
    ][kind - 1], "."


def _spanish_thing(r: random.Random) -> Words:
    adjective = _maybe(r, 0.4, lambda: r.choice(SPANISH_ADJECTIVES))
    return [r.choice(("la", "mi", "tu")), r.choice(SPANISH_NOUNS), *adjective]


def _spanish_command(r: random.Random) -> Words:
    words = [r.choice(SPANISH_COMMANDS), *_spanish_thing(r), *_maybe(r, 0.35, lambda: r.choice(SPANISH_TIMES))]
    return [*_maybe(r, 0.2, lambda: f"{r.choice(SPANISH_NAMES)},"), *words]


def _spanish_wish(r: random.Random) -> Words:
    words = [r.choice(("quiero", "necesito")), *_spanish_thing(r)]
    return words + (["y", *_spanish_thing(r)] if r.random() < 0.3 else [])


def _spanish_courtesy(r: random.Random) -> Words:
    return r.choice(
        (
            ["hola", r.choice(SPANISH_NAMES)],
            ["gracias", r.choice(SPANISH_NAMES)],
            [*_spanish_thing(r), "está", "aquí"],
        )
    )


def capital(word: str) -> str:
    return word[0].upper() + word[1:]


def plain(word: str) -> str:
    """Without marks and capitals: the class that the encoder learns to name."""
    return word.strip(MARKS).lower()


def translated(words: Words) -> Words:
    """Spanish to English word for word; marks and the first capital stay."""
    result = []
    for index, word in enumerate(words):
        core = word.rstrip(MARKS)
        english_word = TO_ENGLISH.get(core) or TO_ENGLISH.get(core[0].lower() + core[1:], core)
        result.append((capital(english_word) if index == 0 else english_word) + word[len(core) :])
    return result


SILENCE = "<sil>"
WORD_CLASSES = (SILENCE, *sorted({plain(word) for word in ENGLISH + SPANISH}))
WORD_CLASS = {word: index for index, word in enumerate(WORD_CLASSES)}
