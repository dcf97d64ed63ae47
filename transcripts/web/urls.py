from django.urls import path

from transcripts.web import billing, document, library, media, new, site, usage
from transcripts.web.access import owned, shared

urlpatterns = [
    path("", site.landing, name="landing"),
    path("sample/words/", site.sample_words, name="sample_words"),
    path("docs/", site.docs, name="docs"),
    path("theme/", site.theme, name="theme"),
    path("try/", new.try_it, name="try"),
    path("new/", new.new, name="new"),
    path("activity/", library.activity, name="activity"),
    path("usage/", usage.page, name="usage"),
    path("usage/days.csv", usage.table, name="usage_csv"),
    path("billing/", billing.page, name="billing"),
    path("billing/ledger.csv", billing.table, name="billing_csv"),
    path("keep/", document.kept, name="kept"),
    path("transcripts/", library.transcripts, name="transcripts"),
    path("transcripts/<slug:slug>/", owned(document.page), name="document"),
    path("transcripts/<slug:slug>/progress/", owned(document.progress)),
    path("transcripts/<slug:slug>/words/", owned(document.words)),
    path("transcripts/<slug:slug>/audio/", owned(media.audio)),
    path("transcripts/<slug:slug>/peaks/", owned(media.peaks)),
    path("transcripts/<slug:slug>/export/", owned(document.export), name="export"),
    path("transcripts/<slug:slug>/export/file/", owned(document.download)),
    path("transcripts/<slug:slug>/export/<str:file_format>/", owned(document.download)),
    path("transcripts/<slug:slug>/rename/", owned(document.rename), name="rename"),
    path("transcripts/<slug:slug>/cancel/", owned(document.cancel)),
    path("transcripts/<slug:slug>/delete/", owned(document.delete), name="delete"),
    path("t/<str:token>/", shared(document.page), name="shared"),
    path("t/<str:token>/progress/", shared(document.progress)),
    path("t/<str:token>/words/", shared(document.words)),
    path("t/<str:token>/audio/", shared(media.audio)),
    path("t/<str:token>/peaks/", shared(media.peaks)),
    path("t/<str:token>/export/<str:file_format>/", shared(document.download)),
    path("t/<str:token>/cancel/", shared(document.cancel)),
    path("t/<str:token>/keep/", shared(document.keep)),
]
