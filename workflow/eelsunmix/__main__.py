"""The command line without its entry point: `python -m eelsunmix`."""

from eelsunmix.commands import main

if __name__ == "__main__":
    main()
