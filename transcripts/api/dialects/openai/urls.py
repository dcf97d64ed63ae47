from django.urls import path

from transcripts.api.dialects.openai import views

urlpatterns = [
    path("v1/audio/transcriptions", views.Transcriptions.as_view()),
    path("v1/audio/translations", views.Translations.as_view()),
    path("v1/models/<str:model>", views.Model.as_view()),
]
