from django.urls import path

from transcripts.api.dialects.jigsawstack import store, views

urlpatterns = [
    path("v1/ai/transcribe", views.Transcribe.as_view()),
    path("v1/store/file", store.StoreFile.as_view()),
    path("v1/store/file/read/<path:key>", store.ReadFile.as_view()),
    path("v1/store/public/<str:token>", store.PublicFile.as_view()),
]
