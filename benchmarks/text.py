"""What the embedded tier finds in the labelled transcripts of the tests: tasks, questions, entities, personal data.

    python -m benchmarks.text [--show KIND]

`--show action_items` also prints what was missed and what was found too much in the transcripts that are not set aside.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from engine.text.extract import extract
from engine.text.ranking import Embed
from tests.text.labelled import Labelled, transcripts
from tests.text.labelled.scoring import KINDS, compared, total
from tests.text.meaning import shared_words

PACKAGES = ("sentencex", "phonenumbers", "python-stdnum", "stop-words", "vaderSentiment", "numpy")
LANGUAGES = ("en", "es", "de")


def figures(kind: str, of: Sequence[Labelled], embed: Embed) -> str:
    score = total(kind, of, embed)
    return f"{score.precision:.2f} | {score.recall:.2f} ({score.right} of {score.marked})"


def show(kind: str, embed: Embed) -> None:
    for transcript in transcripts():
        if transcript.held_out:
            continue
        text = "\n".join(line.text for line in transcript.lines)
        result = compared(kind, transcript, embed)
        for sign, stretches in (("missed", result.missed), ("wrong", result.wrong)):
            for label, start, end in stretches:
                print(f"{transcript.name:26}{sign:8}{label:14}{text[start:end]!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--show", choices=KINDS)
    wish = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(
        f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, {packages}\n"
    )
    if wish.show:
        show(wish.show, shared_words)
        print()
    print("| | transcripts | precision | recall |\n|---|---|---|---|")
    for kind in KINDS:
        for aside in (False, True):
            for language in (*LANGUAGES, "all"):
                of = [one for one in transcripts() if one.held_out is aside and language in (one.language, "all")]
                name = f"{kind}, {language}, {'set aside' if aside else 'tuned on'}"
                print(f"| {name} | {len(of)} | {figures(kind, of, shared_words)} |")
    for aside in (False, True):
        of = [one for one in transcripts() if one.held_out is aside]
        answers = [extract("sentiment", one.lines, shared_words, language=one.language) for one in of]
        right = sum(answer["label"] == one.sentiment for answer, one in zip(answers, of, strict=True))
        print(f"| sentiment of the whole, {'set aside' if aside else 'tuned on'} | {len(of)} | {right} right | |")


if __name__ == "__main__":
    main()
