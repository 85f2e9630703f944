"""How a name is spelled, so that it is found by typing nanguan or ng."""

from functools import lru_cache

from pypinyin import lazy_pinyin


@lru_cache(maxsize=50_000)
def spelled(name: str) -> str:
    """The full spelling and the initials: "nanguanshequ ngsq"."""
    syllables = [part.lower() for part in lazy_pinyin(name) if part.strip()]
    return f"{''.join(syllables)} {''.join(part[0] for part in syllables)}"[:160]
