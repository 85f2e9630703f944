from collections.abc import Iterable, Mapping

from django.apps import AppConfig


class Dossier(AppConfig):
    name = "bihuan.dossier"
    label = "dossier"
    verbose_name = "材料"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from bihuan.book import messages
        from bihuan.programs import versions

        messages.find_residents_by(_numbers)
        versions.heard_by(_register_questions)


def _register_questions(program: object) -> None:
    """What a published ladder asks can be answered from then on. Raises NotPublishable."""
    from bihuan.dossier import questions
    from bihuan.programs.ladder import LadderProgram
    from bihuan.programs.versions import NotPublishable

    try:
        if isinstance(program, LadderProgram):
            questions.ensure(program)
    except questions.QuestionDiffers as error:
        raise NotPublishable(str(error)) from error


def _numbers(region_id: int, contact_ids: Iterable[int]) -> Mapping[int, str]:
    """Phones by contact; a message to somebody with a dossier names the subject in the contact's place."""
    from bihuan.dossier import subjects, vault  # they load the ciphers, which few commands need

    found = vault.numbers_for_sending(region_id, contact_ids)
    others = [one for one in contact_ids if one not in found]
    return found | (subjects.phones_for_sending(others) if others else {})
