"""Knows where the sample set lies: invented adverts, employers and people, and the same with faults."""

from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent
POSITIONS: Final = _HERE / "positions.jsonld"
PEOPLE: Final = _HERE / "people.json"
POSITIONS_WITH_ERRORS: Final = _HERE / "positions-with-errors.jsonld"
PEOPLE_WITH_ERRORS: Final = _HERE / "people-with-errors.json"
