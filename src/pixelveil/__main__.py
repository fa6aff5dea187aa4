"""Run the command line with ``python -m pixelveil``."""

from pixelveil.cli.app import main

if __name__ == "__main__":
    main()
