"""One line a record: when, how grave, which part, what; then who and which case, as far as the caller said so.

log.info("dispatched", extra={"who": posting.pk, "case": number})
"""

import logging


class Line(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        said = [
            f"{key}={value}" for key in ("who", "what", "case") if (value := getattr(record, key, None)) is not None
        ]
        return " ".join([line, *said])
