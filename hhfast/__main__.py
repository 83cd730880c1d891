"""`python -m hhfast` is `hhfast`."""

from hhfast.cli.app import main

if __name__ == "__main__":
    main()
