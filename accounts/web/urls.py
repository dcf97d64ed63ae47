from django.urls import path

from accounts.web import views

urlpatterns = [path("account/", views.account, name="account")]
