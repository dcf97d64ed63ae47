"""What speech models write where nobody speaks: the credits and farewells of the subtitles they learned from."""

from functools import cache

from engine.letters import normalized

CREDITS = (
    "Subtitles by the Amara.org community",
    "Transcription by CastingWords",
    "Transcribed by otter.ai",
    "Untertitel der Amara.org-Community",
    "Untertitel im Auftrag des ZDF für funk, 2017",
    "Untertitelung aufgrund der Amara.org-Community",
    "Untertitelung des ZDF, 2020",
    "Sous-titres réalisés par la communauté d'Amara.org",
    "Sous-titres réalisés para la communauté d'Amara.org",
    "Sous-titrage Société Radio-Canada",
    "Sous-titrage ST' 501",
    "Subtítulos realizados por la comunidad de Amara.org",
    "Subtítulos por la comunidad de Amara.org",
    "Sottotitoli creati dalla comunità Amara.org",
    "Sottotitoli e revisione a cura di QTSS",
    "Legendas pela comunidade Amara.org",
    "Ondertitels ingediend door de Amara.org gemeenschap",
    "Napisy stworzone przez społeczność Amara.org",
    "Субтитры сделал DimaTorzok",
    "Субтитры создавал DimaTorzok",
    "Редактор субтитров А.Семкин Корректор А.Егорова",
    "字幕由Amara.org社区提供",
    "字幕由 Amara.org 社群提供",
    "ترجمة نانسي قنقر",
    "Altyazı M.K.",
)
"""Nobody says these: they are dropped wherever they stand alone."""

FAREWELLS = (
    "Thanks for watching!",
    "Thank you for watching.",
    "Thank you so much for watching.",
    "Thanks for watching and don't forget to like and subscribe.",
    "Please subscribe to my channel.",
    "Please like and subscribe.",
    "See you in the next video.",
    "Vielen Dank fürs Zuschauen!",
    "Danke fürs Zuschauen.",
    "Merci d'avoir regardé cette vidéo !",
    "Gracias por ver el video.",
    "¡Gracias por ver!",
    "¡Suscríbete al canal!",
    "Grazie per la visione.",
    "Obrigado por assistir.",
    "Bedankt voor het kijken.",
    "Dziękuję za oglądanie.",
    "Спасибо за просмотр!",
    "Продолжение следует...",
    "İzlediğiniz için teşekkür ederim.",
    "देखने के लिए धन्यवाद",
    "ご視聴ありがとうございました",
    "시청해주셔서 감사합니다.",
    "谢谢观看",
    "請不吝點贊 訂閱 轉發 打賞支持明鏡與點點欄目",
    "Hãy subscribe cho kênh Ghiền Mì Gõ Để không bỏ lỡ những video hấp dẫn",
)
"""People do say these: they are dropped only where the model itself is in doubt."""


def is_credit(text: str) -> bool:
    return _key(text) in _keys(CREDITS)


def is_farewell(text: str) -> bool:
    return _key(text) in _keys(FAREWELLS)


def _key(text: str) -> str:
    return "".join(normalized(text))


@cache
def _keys(phrases: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_key, phrases))
