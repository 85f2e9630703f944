"""The departments that a city and each of its counties have, with what they do in public words."""

import tomllib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Office:
    key: str  # the tail of the unit's code
    name: str  # follows the name of the city or county
    short: str
    duties: str
    phone: str  # the last four digits of its public number


with (Path(__file__).parent / "data" / "offices.toml").open("rb") as file:
    OFFICES = tuple(Office(**office) for office in tomllib.load(file)["office"])
