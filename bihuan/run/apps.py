from django.apps import AppConfig


class Run(AppConfig):
    name = "bihuan.run"
    label = "run"
    verbose_name = "运行"
    default_auto_field = "django.db.models.BigAutoField"
