"""The kinds of need a program has: funds, technique, land ... - keys of its document, with their titles."""

from collections.abc import Mapping
from datetime import datetime

from django.utils.translation import get_language

from bihuan.offers.models import Offer
from bihuan.programs import versions
from bihuan.programs.ladder import LadderProgram


class NoTopics(Exception):
    """The program knows no needs; the message is fit for the user."""

    def __init__(self) -> None:
        super().__init__("这个项目没有设置需求类别。")


def program_in_force(key: str, at: datetime, unit_id: int | None = None) -> tuple[int, LadderProgram]:
    """The version of a program in force at a place (None: the general one) and what it says. Raises NoVersion, or NoTopics
    for one without needs."""
    version = versions.in_force(key, at, unit_id)
    rules = versions.rules(version.pk)
    if not isinstance(rules, LadderProgram):
        raise NoTopics
    return version.pk, rules


def topics(program: str, at: datetime, unit_id: int | None = None) -> Mapping[str, str]:
    """Key and title of every kind of need at a place, in the program's order."""
    _version, rules = program_in_force(program, at, unit_id)
    return {key: rules.label("need", key, get_language()) for key in rules.needs}


def topic_title(offer: Offer) -> str:
    """What a need is about, in the words of the version it was collected by."""
    return versions.rules(offer.version).label("need", offer.topic, get_language())
