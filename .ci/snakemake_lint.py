"""Run Snakemake's linter and leave out the one advice that does not apply: an environment for each rule.

All rules run the same installed package; its environment is pinned as a whole in envs/.
"""

import re
import subprocess
import sys

NOT_FOR_US = "Specify a conda environment or container for each rule."


def main(arguments: list[str]) -> int:
    """Return 1 if a lint is left, and show all that are."""
    command = [sys.executable, "-m", "snakemake", "--lint", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    said = done.stdout + done.stderr
    left, n_lints = lints(said)
    if done.returncode and not n_lints:
        sys.stderr.write(said)
        return done.returncode
    sys.stdout.write(
        "".join(f"{lint}\n" for lint in left) or f"snakemake --lint: nothing but {NOT_FOR_US!r}\n"
    )
    return 1 if left else 0


def lints(said: str) -> tuple[list[str], int]:
    """Return the lints of Snakemake's text that apply, each with its place, and how many there are in all."""
    left, n_lints = [], 0
    for place, text in re.findall(r"^(Lints for [^\n]*):\n((?: +[^\n]*\n|\n)*)", said, re.MULTILINE):
        found = re.split(r"^ +\* ", text, flags=re.MULTILINE)[1:]
        n_lints += len(found)
        left += [f"{place}: {' '.join(lint.split())}" for lint in found if not lint.startswith(NOT_FOR_US)]
    return left, n_lints


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
