"""The one harness under all studies: settings, store, runs, verdicts, tables, command line. Knows no phenomenon."""
