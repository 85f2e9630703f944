from django.apps import AppConfig


class Ladder(AppConfig):
    name = "bihuan.ladder"
    label = "ladder"
    verbose_name = "阶梯"
    default_auto_field = "django.db.models.BigAutoField"
