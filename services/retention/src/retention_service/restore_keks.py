"""`python -m retention_service.restore_keks PLACE PLACE …`: makes lost key-encryption keys again from their custody."""

import argparse
import sys
from pathlib import Path

from chassis.logs import SafeError
from chassis.settings import load

from retention_service.custody import restore_epochs
from retention_service.settings import RetentionSettings


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m retention_service.restore_keks", description=__doc__)
    parser.add_argument("places", type=Path, nargs="+", help="folders with shares; a majority of them is enough")
    told = parser.parse_args()
    try:
        made = restore_epochs(told.places, load(RetentionSettings).kek_dir)
    except SafeError as error:
        sys.exit(str(error))
    sys.stdout.write(f"epochs restored: {', '.join(map(str, made)) or 'none was missing'}\n")


if __name__ == "__main__":
    main()
