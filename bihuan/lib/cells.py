"""Cells of sheets that people open in a spreadsheet: what it would run as a formula is written so that it does not."""

# A cell that begins like this would be computed, and could send away what stands beside it.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
MARK = "'"


def harmless(cell: str) -> str:
    """The words with an apostrophe before them where a spreadsheet would take them for a formula."""
    return MARK + cell if _is_dangerous(cell) else cell


def bare(cell: str) -> str:
    """What `harmless` was given; words that it left alone stay as they are."""
    return cell[1:] if cell.startswith(MARK) and _is_dangerous(cell) else cell


def _is_dangerous(cell: str) -> bool:
    """Marks in front do not count, so that words which bring one of their own come back with it."""
    return cell.lstrip(MARK).startswith(DANGEROUS)
