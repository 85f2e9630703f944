from django.apps import AppConfig


class Book(AppConfig):
    name = "bihuan.book"
    label = "book"
    verbose_name = "台账"
    default_auto_field = "django.db.models.BigAutoField"
