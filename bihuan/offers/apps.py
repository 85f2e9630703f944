from django.apps import AppConfig


class Offers(AppConfig):
    name = "bihuan.offers"
    label = "offers"
    verbose_name = "认领"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.net import postings, tree
        from bihuan.offers import handover, tell  # noqa: F401 - `tell` registers itself

        postings.on_end.append(handover.hand_over)
        tree.before_close.append(handover.require_nothing_owed)
