from django.apps import AppConfig


class Demo(AppConfig):
    name = "bihuan.demo"
    label = "demo"
    verbose_name = "演示"
    default_auto_field = "django.db.models.BigAutoField"
