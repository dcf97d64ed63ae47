from django.urls import path

from transcripts.api.dialects.stt_ai import sound, text, views

urlpatterns = [
    path("v1/transcribe", views.Transcribe.as_view()),
    path("v1/stream/token", views.StreamToken.as_view()),
    path("v1/enhance-audio", sound.EnhanceAudio.as_view()),
    path("v1/tts", sound.Tts.as_view()),
    path("v1/summarize", text.Summarize.as_view()),
    path("v1/translate", text.Translate.as_view()),
    path("v1/analyze", text.Analyze.as_view()),
    path("v1/generate", text.Generate.as_view()),
    path("v1/embed", text.Embed.as_view()),
    path("v1/models", views.Models.as_view()),
    path("v1/languages", views.Languages.as_view()),
    path("health", views.Health.as_view()),
]
