from django.apps import AppConfig


class Jobs(AppConfig):
    name = "bihuan.jobs"
    label = "jobs"
    verbose_name = "后台"
    default_auto_field = "django.db.models.BigAutoField"
