"""The key of a ladder in an address; words that begin other pages of the desk are none."""

from django.urls import register_converter

TAKEN = (
    "needs", "units", "studios", "pairings", "policies", "ledger", "figures", "mine", "s", "find", "sent", "imports",
)  # fmt: skip


class LadderKey:
    regex = rf"(?!(?:{'|'.join(TAKEN)})/)[a-z][a-z0-9_]{{0,59}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(LadderKey, "ladder")
