from django.urls import path

from transcripts.api.dialects.interfaze import views

urlpatterns = [path("v1/chat/completions", views.ChatCompletions.as_view())]
