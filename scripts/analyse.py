"""Static analysis of the contracts with Slither: `python scripts/analyse.py`, part of `make check`.

Every finding of high or medium impact has to be explained in `scripts/explained-findings.toml`, by detector and
function. Exits with 1 when one is not, and when an explanation no longer explains anything.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qfl.chain.compiler import ROOT, SETTINGS, SOLC

EXPLAINED = Path(__file__).with_name("explained-findings.toml")
GRAVE = {"High", "Medium"}


@dataclass(frozen=True)
class Finding:
    """A detector's finding in a function (or contract), named `Contract.function`."""

    detector: str
    where: str
    description: str


def main() -> int:
    """Print what is not explained, and return the exit code."""
    findings = list(analyse())
    explained = {(entry["detector"], entry["where"]) for entry in tomllib.loads(EXPLAINED.read_text())["finding"]}
    found = {(finding.detector, finding.where) for finding in findings}
    for finding in findings:
        if (finding.detector, finding.where) not in explained:
            print(f"not explained: {finding.detector} in {finding.where}\n{finding.description}")
    for detector, where in sorted(explained - found):
        print(f"explained, but no longer found: {detector} in {where}: take it out of {EXPLAINED.name}")
    print(f"slither: {len(findings)} findings of high or medium impact, {len(found & explained)} kinds explained")
    return int(found != explained)


def analyse() -> Iterator[Finding]:
    """The grave findings in the contracts that are deployed; `contracts/testing/` is not."""
    with tempfile.TemporaryDirectory() as folder:
        request = Path(folder) / "input.json"
        request.write_text(json.dumps(standard_json()))
        command = [Path(sys.executable).with_name("slither"), request, "--compile-force-framework", "solc-json"]
        command += ["--solc", SOLC, "--filter-paths", "node_modules", "--json", "-"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError as error:
        raise SystemExit(f"slither did not run:\n{done.stderr}") from error
    if not report["success"]:
        raise SystemExit(f"slither failed: {report['error']}")
    for result in report["results"].get("detectors", []):
        if result["impact"] in GRAVE:
            yield Finding(result["check"], place_of(result["elements"][0]), result["description"])


def place_of(element: Mapping[str, Any]) -> str:
    """`Contract.function` of what a finding is about; `Contract` alone where it is about all of it."""
    names = []
    while element:
        if element["type"] in ("contract", "function"):
            names.append(element["name"])
        element = element.get("type_specific_fields", {}).get("parent", {})
    return ".".join(reversed(names))


def standard_json() -> dict[str, Any]:
    """What the compiler is asked to do: as for a deployment, with the syntax trees that Slither reads."""
    sources = {
        str(path.relative_to(ROOT)): {"content": path.read_text()}
        for path in sorted((ROOT / "contracts").rglob("*.sol"))
        if "testing" not in path.parts
    }
    wanted = ["abi", "evm.bytecode", "evm.deployedBytecode", "evm.methodIdentifiers"]
    settings = {**SETTINGS, "outputSelection": {"*": {"*": wanted, "": ["ast"]}}}
    return {"language": "Solidity", "sources": sources, "settings": settings}


if __name__ == "__main__":
    sys.exit(main())
