from django.apps import AppConfig


class Programs(AppConfig):
    name = "bihuan.programs"
    label = "programs"
    verbose_name = "事项"
    default_auto_field = "django.db.models.BigAutoField"
