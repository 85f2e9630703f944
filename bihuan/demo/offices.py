"""The departments that a city and each of its counties have, with what they do in public words; and the city's member
units of three-way cultivation."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Office:
    key: str  # the tail of the unit's code
    name: str  # follows the name of the city or county
    short: str
    duties: str
    phone: str = ""  # the last four digits of its public number
    early: bool = True  # a member unit from the beginning


with (Path(__file__).parent / "data" / "offices.toml").open("rb") as file:
    OFFICES = tuple(Office(**office) for office in tomllib.load(file)["office"])
with (Path(__file__).parent / "data" / "members.toml").open("rb") as file:
    _members = tomllib.load(file)
MEMBER_OFFICES = tuple(Office(**office) for office in _members["office"])  # of the city alone; they take no cases
EARLY_MEMBERS = frozenset(
    {office.key for office in OFFICES if office.key not in _members["later"]}
    | {office.key for office in MEMBER_OFFICES if office.early}
)
