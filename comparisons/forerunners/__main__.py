"""The command line of the study."""

from comparisons.harness.command import main

if __name__ == "__main__":
    raise SystemExit(main("forerunners"))
