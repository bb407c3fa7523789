"""Starts the command line: `python -m bulk --help`."""

from bulk.cli.app import main

if __name__ == "__main__":
    main()
