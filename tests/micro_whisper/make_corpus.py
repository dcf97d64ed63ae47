"""python -m tests.micro_whisper.make_corpus OUT.pkl --english N --spanish N [--voices focus|all|unseen] [--audio]"""

import argparse
import pickle
from pathlib import Path

from tests.micro_whisper.corpus import VOICES, make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--english", type=int, default=5000)
    parser.add_argument("--spanish", type=int, default=2500)
    parser.add_argument("--voices", choices=VOICES, default="focus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--audio", action="store_true", help="keep the sound as well, for measuring")
    arguments = parser.parse_args()
    counts = {"en": arguments.english, "es": arguments.spanish}
    corpus = make(counts, arguments.voices, arguments.seed, keep_audio=arguments.audio)
    arguments.out.write_bytes(pickle.dumps(corpus, protocol=5))
    seconds = sum(len(clip.mel) for clip in corpus.clips) / 100
    print(f"{arguments.out}: {len(corpus.clips)} sentences, {seconds:.0f} s of speech")


if __name__ == "__main__":
    main()
