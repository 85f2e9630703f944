from django.apps import AppConfig


class Api(AppConfig):
    name = "bihuan.api"
    label = "api"
    verbose_name = "接口"
    default_auto_field = "django.db.models.BigAutoField"
