from collections.abc import Iterable, Mapping

from django.apps import AppConfig


class Dossier(AppConfig):
    name = "bihuan.dossier"
    label = "dossier"
    verbose_name = "材料"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.book import messages

        messages.find_residents_by(_numbers)


def _numbers(region_id: int, contact_ids: Iterable[int]) -> Mapping[int, str]:
    from bihuan.dossier import vault  # loads the ciphers, which few commands need

    return vault.numbers_for_sending(region_id, contact_ids)
