from django.apps import AppConfig
from django.core.signals import request_started


class Run(AppConfig):
    name = "bihuan.run"
    label = "run"
    verbose_name = "运行"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.run.reconnect import drop_dead_connection

        request_started.connect(drop_dead_connection)
