"""Looks the pinned dependencies up in public lists of vulnerabilities: exit status 1 if one is there.

    python tools/audit.py

Runs `pip-audit`. Where the lists cannot be reached nothing is known, which is said and is no failure.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 300
ACCEPTED: dict[str, str] = {}
"""Why a vulnerability does not concern us, by its id."""


def main() -> None:
    """Prints what is known."""
    pins = ["--requirement", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip"]
    command = [sys.executable, "-m", "pip_audit", *pins, "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"audit: the lists of known vulnerabilities could not be read:\n{done.stderr.strip()[-500:]}")
        return
    known = list(vulnerabilities(found))
    unknown = sum("skip_reason" in each for each in found)
    print(f"audit: {len(found)} dependencies, {len(known)} vulnerabilities, {unknown} not to be looked up")
    for line in known:
        print(f"  {line}")
    sys.exit(bool(known))


def vulnerabilities(found: list[dict[str, Any]]) -> Any:
    """A line for each one that was not accepted."""
    for each in found:
        for one in each.get("vulns", ()):
            if one["id"] not in ACCEPTED:
                mended = ", ".join(one.get("fix_versions", ())) or "no version yet"
                yield f"{each['name']} {each['version']}: {one['id']}, mended in {mended}"


if __name__ == "__main__":
    main()
