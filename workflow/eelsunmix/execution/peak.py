"""How much memory a process has held at most."""

from pathlib import Path


def peak_mb() -> int:
    """Return the largest resident memory of this process so far, in MB of 2^20 bytes.

    From the kernel's own record where there is one: `getrusage` also counts what the process was before it
    became this one, which is a fork of Snakemake.
    """
    try:
        status = Path("/proc/self/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        import resource  # not on Windows

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return int(kilobytes) >> 10
