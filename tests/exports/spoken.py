"""Transcripts for the tests, timed by rule: every letter takes as long as any other."""

from collections.abc import Sequence
from datetime import UTC, datetime

from engine.types import Segment, Transcript, Word
from transcripts.exports.base import Meta
from transcripts.exports.languages import SPACELESS

META = Meta("Monday call", "monday-call", datetime(2026, 11, 2, 9, 30, tzinfo=UTC), "small")

Said = tuple[str | None, str]
"""(speaker, sentence)"""

DIALOGUES: dict[str, list[Said]] = {
    "en": [
        ("Speaker 1", "Good morning, everybody, and thank you for coming to the meeting about the new bridge."),
        ("Speaker 1", "The engineers from Porto measured 42 km of cable, which is more than anybody expected."),
        ("Speaker 2", "Really?"),
        ("Speaker 1", "Yes."),
        ("Speaker 2", "Then we should ask Maria Fernandes whether the money is enough, because it probably is not."),
    ],
    "de": [
        ("Sprecher 1", "Guten Morgen zusammen, und vielen Dank, dass Sie zu der Besprechung gekommen sind."),
        (
            "Sprecher 2",
            "Die Donaudampfschifffahrtsgesellschaft hat uns 12 Prozent Rabatt für das nächste Jahr angeboten.",
        ),
        ("Sprecher 1", "Wirklich?"),
        ("Sprecher 2", "Ja, aber nur wenn wir den Vertrag noch in dieser Woche unterschreiben."),
    ],
    "ar": [
        ("المتحدث 1", "صباح الخير جميعا، وشكرا لكم على الحضور إلى هذا الاجتماع حول الجسر الجديد."),
        ("المتحدث 2", "هل المال يكفي؟"),
        ("المتحدث 1", "لا أعرف، يجب أن نسأل المهندسين الذين وصلوا من Porto قبل أن نبدأ العمل في الأسبوع القادم."),
    ],
    "he": [
        ("דובר 1", "בוקר טוב לכולם, ותודה שבאתם לפגישה על הגשר החדש."),
        ("דובר 2", "האם הכסף מספיק?"),
        ("דובר 1", "אני לא יודע, צריך לשאול את המהנדסים שהגיעו אתמול מחיפה לפני שמתחילים לעבוד (בשבוע הבא)."),
    ],
    "ja": [
        ("話者1", "皆さん、おはようございます。"),
        ("話者1", "今日は新しい橋についての会議にお集まりいただき、ありがとうございます。"),
        ("話者2", "「お金は足りますか？」と聞かれました。"),
        ("話者1", "まだ分かりません。"),
    ],
    "zh": [
        ("说话人1", "大家早上好，感谢各位来参加关于新桥的会议。"),
        ("说话人2", "钱够吗？"),
        ("说话人1", "我还不知道，我们应该先问一问昨天从Porto来的工程师，然后再决定下个星期怎么做。"),
    ],
    "th": [
        ("ผู้พูด 1", "สวัสดีตอนเช้าทุกคน ขอบคุณที่มาประชุมเรื่องสะพานใหม่ในวันนี้"),
        ("ผู้พูด 2", "เงินพอไหม"),
        ("ผู้พูด 1", "ยังไม่รู้ เราต้องถามวิศวกรที่มาจากกรุงเทพเมื่อวานนี้ก่อนที่จะเริ่มทำงานในสัปดาห์หน้า"),
    ],
    "hi": [
        ("वक्ता 1", "सुप्रभात, और नए पुल की बैठक में आने के लिए आप सबका बहुत धन्यवाद।"),
        ("वक्ता 2", "क्या पैसे काफ़ी हैं?"),
        ("वक्ता 1", "मुझे नहीं मालूम, हमें अगले सप्ताह काम शुरू करने से पहले दिल्ली से आए इंजीनियरों से पूछना होगा।"),
    ],
}


def spoken(sentences: Sequence[Said], language: str | None, *, letter: float = 0.06, pause: float = 0.4) -> Transcript:
    """One segment a sentence, with times for each word (each letter, where words are not set apart)."""
    segments: list[Segment] = []
    at = 0.5
    for speaker, sentence in sentences:
        words: list[Word] = []
        for token in _tokens(sentence):
            end = at + letter * len(token)
            words.append(Word(token, round(at, 3), round(end, 3), 0.9))
            at = end + (0.25 if token[-1] in ",،，、" else 0.0)
        segments.append(
            Segment(words[0].start, words[-1].end, sentence, tuple(words), speaker, language, avg_logprob=-0.2)
        )
        at += pause
    return Transcript(
        text=" ".join(sentence for _, sentence in sentences),
        language=language,
        language_probability=0.98,
        duration=round(at + 1, 3),
        segments=tuple(segments),
        model="small",
        speakers=tuple(dict.fromkeys(speaker for speaker, _ in sentences if speaker)),
    )


def dialogue(language: str) -> Transcript:
    return spoken(DIALOGUES[language], language)


def _tokens(sentence: str) -> list[str]:
    if not SPACELESS.search(sentence):
        return sentence.split()
    tokens: list[str] = []
    for letter in sentence.replace(" ", ""):
        if tokens and (letter in "、。，？！」" or not letter.isalnum() or (letter.isascii() and tokens[-1].isascii())):
            tokens[-1] += letter
        else:
            tokens.append(letter)
    return tokens
