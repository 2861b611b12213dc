"""Ask for known vulnerabilities of what is locked, and write a bill of materials of what is installed.

Run by the Python of ``.venv``, with the folder of the tools' own environment: ``audit.py TOOLS``.
"""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("envs/locked.txt", "envs/locked-gpu.txt", "envs/locked-docs.txt", "envs/locked-audit.txt")
SERVICES = ("pypi", "osv")
KNOWN_BAD = "pyyaml==5.3"  # runs code of a YAML file, CVE-2020-14343
NOT_OURS: dict[str, str] = {}
"""Vulnerabilities that do not reach us, each with the reason."""
SKIPPED = """\
************************************************************************
*  AUDIT OF DEPENDENCIES SKIPPED: no service of vulnerabilities knows  *
*  even the ones of {known_bad}, so none can be reached from here.     *
*  Nothing is known of the packages. EELSUNMIX_AUDIT=required fails.   *
************************************************************************
"""


def main(tools: Path) -> int:
    """Return 1 if a package is vulnerable or was not looked at, or the bill is not that of what is here."""
    problems = [*audited(tools), *billed(tools, ROOT / ".ci" / "sbom.json")]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


def audited(tools: Path) -> list[str]:
    """Return what is wrong with the locked packages; say loudly if nobody can know."""
    service = next((name for name in SERVICES if vulnerabilities(asked(tools, name, KNOWN_BAD))), None)
    if service is None:
        sys.stderr.write(SKIPPED.format(known_bad=KNOWN_BAD))
        required = os.environ.get("EELSUNMIX_AUDIT") == "required"
        return ["the audit is required and was skipped"] if required else []
    return [problem for lock in LOCKS for problem in _audited_lock(tools, service, ROOT / lock)]


def _audited_lock(tools: Path, service: str, lock: Path) -> list[str]:
    pins = re.findall(r"^[\w.-]+==[^ ;]+", lock.read_text(encoding="utf-8"), re.MULTILINE)
    report = asked(tools, service, *pins)
    sys.stdout.write(f"{lock.name}: {len(report)} packages audited by {service}\n")
    return vulnerabilities(report) + unknown(report, len(pins))


def asked(tools: Path, service: str, *pins: str) -> list[dict]:
    """Return what pip-audit says of each pin; nothing if it does not get through."""
    listed = tools / "audited.txt"
    listed.write_text("\n".join(pins), encoding="utf-8")
    command = [tools / "bin/pip-audit", "--vulnerability-service", service, "--format=json", "--no-deps"]
    command += ["--progress-spinner=off", "--disable-pip", "--requirement", listed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return []


def vulnerabilities(report: list[dict]) -> list[str]:
    """Return a line for each vulnerability that concerns us."""
    return [
        f"{package['name']} {package['version']}: {found['id']}, mended in {found['fix_versions'] or 'none'}"
        for package in report
        for found in package.get("vulns", [])
        if found["id"] not in NOT_OURS
    ]


def unknown(report: list[dict], n_pins: int) -> list[str]:
    """Return a line for each package of which nobody could say anything."""
    skipped = [f"{each['name']}: {each['skip_reason']}" for each in report if "skip_reason" in each]
    return skipped + [f"{n_pins} packages are locked, {len(report)} audited"] * (len(report) != n_pins)


def billed(tools: Path, path: Path) -> list[str]:
    """Write the bill of materials (CycloneDX); return how it differs from what is installed."""
    command = [tools / "bin/cyclonedx-py", "environment", "--pyproject", ROOT / "pyproject.toml"]
    command += ["--output-reproducible", "--output-format=JSON", "--output-file", path, sys.executable]
    subprocess.run(command, check=True)
    bill = json.loads(path.read_text(encoding="utf-8"))
    found = importlib.metadata.distributions()
    wrong = differences(bill, {_name(each.metadata["Name"]): each.version for each in found})
    sys.stdout.write(f"{path.relative_to(ROOT)}: {len(bill['components'])} packages\n")
    return wrong


def differences(bill: dict, installed: dict[str, str]) -> list[str]:
    """Return a line for each package that the bill does not have as it is installed, or has and is not."""
    root = bill["metadata"]["component"]
    listed = {_name(each["name"]): each.get("version") for each in [root, *bill["components"]]}
    return [
        f"bill of materials: {name} is {listed.get(name, 'absent')}, installed {installed.get(name, 'none')}"
        for name in sorted(listed.keys() | installed.keys())
        if listed.get(name) != installed.get(name)
    ]


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
