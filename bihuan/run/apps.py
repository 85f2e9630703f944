import logging
import os

from django.apps import AppConfig
from django.conf import settings
from django.core.signals import request_started

log = logging.getLogger(__name__)


class Run(AppConfig):
    name = "bihuan.run"
    label = "run"
    verbose_name = "运行"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.run.makers import take_number
        from bihuan.run.reconnect import drop_dead_connection

        request_started.connect(drop_dead_connection)
        if take_number(settings.VAR / "run" / "makers", settings.MACHINE) is None:
            log.warning("no free number for the ids of process %s below %s", os.getpid(), settings.VAR)
