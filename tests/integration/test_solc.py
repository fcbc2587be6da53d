"""The compiler behind py-solc-x and Brownie: npm's, under the native one's command line."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import solcx

SOLC = Path(__file__).parents[2] / "scripts" / "solc" / "solc-v0.8.37"
HEADER = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\n"


def run_solc(*arguments: str, given: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SOLC, *arguments], input=given, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def standard_json(source: str, outputs: list[str], remappings: tuple[str, ...] = ()) -> str:
    settings = {"outputSelection": {"*": {"*": outputs}}, "remappings": list(remappings)}
    document = {"language": "Solidity", "sources": {"Main.sol": {"content": HEADER + source}}, "settings": settings}
    return json.dumps(document)


def compile_json(folder: Path, *arguments: str, given: str) -> Any:
    done = run_solc("--standard-json", *arguments, given=given, folder=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_output_beyond_a_pipe_buffer_is_whole(tmp_path: Path) -> None:
    functions = "".join(f"function f{i}(uint x) public pure returns (uint) {{ return x + {i}; }}" for i in range(80))
    given = standard_json(f"contract Main {{ {functions} }}", ["abi", "evm.assembly", "metadata"])
    done = run_solc("--standard-json", given=given, folder=tmp_path)
    assert len(done.stdout) > 2 * 65_536
    assert len(json.loads(done.stdout)["contracts"]["Main.sol"]["Main"]["abi"]) == 80


def test_imports_come_from_the_working_folder_and_through_remappings(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "Far.sol").write_text(HEADER + "contract Far {}")
    (tmp_path / "Near.sol").write_text(HEADER + 'import "@far/Far.sol"; contract Near is Far {}')
    given = standard_json('import "./Near.sol"; contract Main is Near {}', ["abi"], remappings=("@far=lib",))
    found = compile_json(tmp_path, given=given)
    assert sorted(found["contracts"]) == ["Main.sol", "Near.sol", "lib/Far.sol"]


def test_base_path_stands_for_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "Near.sol").write_text(HEADER + "contract Near {}")
    given = standard_json('import "./Near.sol"; contract Main is Near {}', ["abi"])
    found = compile_json(Path("/"), "--base-path", str(tmp_path), "--allow-paths", ".", given=given)
    assert sorted(found["contracts"]) == ["Main.sol", "Near.sol"]


def test_a_missing_import_is_the_compilers_error(tmp_path: Path) -> None:
    found = compile_json(tmp_path, given=standard_json('import "./Nowhere.sol";', ["abi"]))
    assert f"File not found in {tmp_path}" in found["errors"][0]["message"]


def test_it_names_the_version_that_compiles(tmp_path: Path) -> None:
    found = compile_json(tmp_path, given=standard_json("contract Main {}", ["metadata"]))
    compiled_by = json.loads(found["contracts"]["Main.sol"]["Main"]["metadata"])["compiler"]["version"]
    assert f"Version: {compiled_by}.Emscripten.clang\n" in run_solc("--version").stdout


def test_an_unknown_option_is_refused() -> None:
    done = run_solc("--optimize")
    assert (done.returncode, done.stderr) == (1, "unrecognised option '--optimize'\n")


def test_py_solc_x_finds_and_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(SOLC.parent))
    monkeypatch.chdir(tmp_path)
    solcx.set_solc_version("0.8.37", silent=True)
    found = solcx.compile_standard(json.loads(standard_json("contract Main {}", ["evm.bytecode.object"])))
    assert found["contracts"]["Main.sol"]["Main"]["evm"]["bytecode"]["object"].startswith("60")
