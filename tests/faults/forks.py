"""The beginning of programs that fork: all that a child needs is loaded, and no thread was ever started."""

PRELUDE = """
import importlib, os, sys
from contextlib import suppress
from pathlib import Path

os.fsync = lambda descriptor: None  # nothing waits for the disk

def warm(work):
    # Let a child do the work, and load here what it has loaded: libraries load much when they are used first.
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        work()
        with os.fdopen(writing, "w") as file:
            file.write("\\n".join(sys.modules))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        for name in file.read().split():
            with suppress(Exception):
                importlib.import_module(name)
    os.waitpid(process, 0)
"""
