from django.apps import AppConfig


class Offers(AppConfig):
    name = "bihuan.offers"
    label = "offers"
    verbose_name = "认领"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.offers import tell  # noqa: F401 - registers itself
