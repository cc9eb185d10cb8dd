"""Cells of CSV that no spreadsheet computes (OWASP, "CSV Injection"), and back."""

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r]")  # behind any number of apostrophes, so that the way back is one


def escaped(cell: str) -> str:
    """The cell as text: with an apostrophe before what would be a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unescaped(cell: str) -> str:
    """What the cell was before."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell
