"""python -m docs.check SHEET."""

from docs.check.command import main

if __name__ == "__main__":
    raise SystemExit(main())
