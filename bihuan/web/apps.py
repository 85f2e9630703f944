from django.apps import AppConfig


class Web(AppConfig):
    name = "bihuan.web"
    label = "web"
    verbose_name = "页面"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.web.setup import audit, imports  # their work runs in the worker

        assert audit and imports
