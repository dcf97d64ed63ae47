"""Run as a program on a database of its own: prints, as JSON, which of its talks each question finds."""

import json

import django

django.setup()

from accounts.models import User  # noqa: E402
from tests.transcripts.meanings import hashed  # noqa: E402
from tests.web import rows  # noqa: E402
from transcripts import engine_gateway, library, search  # noqa: E402
from transcripts.library import Filters  # noqa: E402
from transcripts.models import Passage, Transcript  # noqa: E402

TALKS = {
    "remote": "The brief is a remote that people do not lose.",
    "price": "Twelve fifty a unit, which is tight, said José at the café on Straße 12.",
    "sea": "Don't sail to the sea; the remote sea is dangerous, isn't it?",
    "hindi": "हिन्दी भाषा में बात करते हैं।",
    "japanese": "今日は東京で会議があります。",
    "thai": "ภาษาไทยไม่มีช่องว่าง",
    "korean": "회의는 내일 시작합니다.",
    "greek": "Η συνάντηση είναι αύριο.",
    "russian": "Ёлка стоит в зале.",
}
QUERIES = (
    *("remote", "REMOTE", "remo", "mote", "remote sea", '"sea remote"', '"the remote sea"', '"remote the"'),
    *("jose cafe", "José", "strasse", "fif", "twelve fifty", "fifty twelve", '"fifty twelve"', "isn't", '"isn t"'),
    *("भाषा", "हिन्दी", "東京", "会議", "議", "東京会議", '"京で会"', "ไทย", "ช่องว่าง", "회의", "συναντηση", "елка"),
    *('" OR terms:*', "remote NOT sea", "remote AND", "a*", "NEAR(remote sea)", "whose:o1", "'; DROP TABLE x; --"),
    *("remote & !sea", "remote | x", "se:*", "\\", "()", "%", "…", "''", "  ", "remote\x00sea"),
)


def main() -> None:
    setattr(engine_gateway, "embed", hashed)  # noqa: B010
    alice, bob = (User.objects.create_user(f"{name}@example.com") for name in ("alice", "bob"))
    for name, said in TALKS.items():
        rows.transcript(alice, title=f"({name})", segments=[rows.spoken(said, 0)])
    rows.transcript(bob, title="(his)", segments=[rows.spoken(" ".join(TALKS.values()), 0)])

    def listed(query: str) -> list[str]:
        return sorted(each.title.strip("()") for each in library.find(alice, Filters(query=query)).transcripts)

    def hits(query: str, by: search.By) -> list[str]:
        return list(dict.fromkeys(hit.transcript.title.strip("()") for hit in search.search(alice, query, by=by)))

    answers = {
        query: {"list": listed(query), "words": sorted(hits(query, "words")), "both": hits(query, "both")[:1]}
        for query in QUERIES
    }
    Transcript.objects.filter(title="(sea)").delete()
    assert Passage.objects.filter(owner=alice).count() == len(TALKS) - 1
    print(json.dumps({"answers": answers, "gone": hits("sea", "words"), "kept": hits("remote", "words")}))


if __name__ == "__main__":
    main()
