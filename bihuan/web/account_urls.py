"""Addresses of signing in and out and of acting as a posting."""

from django.urls import path

from bihuan.web import account

urlpatterns = [
    path("login/", account.sign_in, name="login"),
    path("logout/", account.sign_out, name="logout"),
    path("posting/", account.choose_posting, name="posting"),
    path("password/", account.password, name="password"),
    path("work/", account.work, name="work"),
]
