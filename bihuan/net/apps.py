from django.apps import AppConfig


class Net(AppConfig):
    name = "bihuan.net"
    label = "net"
    verbose_name = "一张网"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.net import imports  # registers the kinds of sheet

        assert imports
