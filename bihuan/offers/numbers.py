"""Numbers by which people call a need, a round, a pair, a studio: the short codes of lib.codes, typed in any usual way."""

from bihuan.lib.codes import BadNumber, new_short_code, parse_short_code


def new_number() -> str:
    """A code that nobody can guess; should it be taken, the table's unique constraint refuses it."""
    return new_short_code()


def as_stored(typed: str) -> str:
    """A number as the tables have it; what is none finds nothing."""
    try:
        return parse_short_code(typed)
    except BadNumber:
        return ""
