"""One line a record: when, how grave, which part, what; then who and which case, as far as the caller said so.

log.info("dispatched", extra={"who": posting.pk, "case": number})
"""

import logging

# A name or an address that holds a line end must not begin a line of its own in the log.
_ENDS = {mark: repr(chr(mark))[1:-1] for mark in (*range(32), 127, 0x85, 0x2028, 0x2029)}


class Line(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record)
        said = [
            f"{key}={value}" for key in ("who", "what", "case") if (value := getattr(record, key, None)) is not None
        ]
        return " ".join([line, *said]).translate(_ENDS)
