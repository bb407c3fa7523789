"""Starts the command line: `python -m trainer --help`."""

from trainer.cli.app import main

if __name__ == "__main__":
    main()
