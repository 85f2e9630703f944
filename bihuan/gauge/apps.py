from django.apps import AppConfig


class Gauge(AppConfig):
    name = "bihuan.gauge"
    label = "gauge"
    verbose_name = "指标"
    default_auto_field = "django.db.models.BigAutoField"
