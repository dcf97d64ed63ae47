"""The 39 languages of this dialect: those of India's schedule that 60db names, Arabic, and 25 of Europe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str
    native: str


AUTO = Language("auto", "Auto-detect", "Auto-detect")
LANGUAGES: dict[str, Language] = {
    code: Language(code, name, native)
    for code, name, native in (
        ("en", "English", "English"),
        ("hi", "Hindi", "हिन्दी"),
        ("bn", "Bengali", "বাংলা"),
        ("mr", "Marathi", "मराठी"),
        ("pa", "Punjabi", "ਪੰਜਾਬੀ"),
        ("gu", "Gujarati", "ગુજરાતી"),
        ("or", "Odia", "ଓଡ଼ିଆ"),
        ("as", "Assamese", "অসমীয়া"),
        ("ne", "Nepali", "नेपाली"),
        ("ta", "Tamil", "தமிழ்"),
        ("te", "Telugu", "తెలుగు"),
        ("kn", "Kannada", "ಕನ್ನಡ"),
        ("ml", "Malayalam", "മലയാളം"),
        ("sa", "Sanskrit", "संस्कृतम्"),
        ("ar", "Arabic", "العربية"),
        ("bg", "Bulgarian", "Български"),
        ("hr", "Croatian", "Hrvatski"),
        ("cs", "Czech", "Čeština"),
        ("da", "Danish", "Dansk"),
        ("nl", "Dutch", "Nederlands"),
        ("et", "Estonian", "Eesti"),
        ("fi", "Finnish", "Suomi"),
        ("fr", "French", "Français"),
        ("de", "German", "Deutsch"),
        ("el", "Greek", "Ελληνικά"),
        ("hu", "Hungarian", "Magyar"),
        ("it", "Italian", "Italiano"),
        ("lv", "Latvian", "Latviešu"),
        ("lt", "Lithuanian", "Lietuvių"),
        ("mt", "Maltese", "Malti"),
        ("pl", "Polish", "Polski"),
        ("pt", "Portuguese", "Português"),
        ("ro", "Romanian", "Română"),
        ("sk", "Slovak", "Slovenčina"),
        ("sl", "Slovenian", "Slovenščina"),
        ("es", "Spanish", "Español"),
        ("sv", "Swedish", "Svenska"),
        ("ru", "Russian", "Русский"),
        ("uk", "Ukrainian", "Українська"),
    )
}
