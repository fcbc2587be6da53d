"""`qfl zk` as a person meets it: what it prints, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qfl.crypto.norm.keys import NormKeys

pytestmark = pytest.mark.rest


def qfl_zk(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("qfl"), "zk", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_setup_takes_the_next_circuit_and_warns(norm_keys: NormKeys, tmp_path: Path):
    """One-party keys in production would let whoever made them pass any update: the command itself has to say so."""
    ended = qfl_zk("setup", "--lanes", 50, "--out", tmp_path, "--json")
    keys = NormKeys.open(tmp_path)
    shown = json.loads(ended.stdout)
    assert (shown["capacity"], shown["key digest"]) == (64, "0x" + keys.digest.hex())
    assert "could forge proofs" in ended.stderr
    assert "devnets" in keys.origin


def test_verify_prints_the_digest_to_compare(norm_keys: NormKeys):
    ended = qfl_zk("verify", norm_keys.folder)
    assert ended.returncode == 0
    assert norm_keys.digest.hex() in ended.stdout


def test_bench_proves_with_the_folders_keys(norm_keys: NormKeys):
    shown = json.loads(qfl_zk("bench", norm_keys.folder, "--times", 1, "--json").stdout)
    assert shown["prove"] > 0
    assert shown["verify"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["setup", "--lanes", "64", "--out", "{keys}"], 5, "choose another folder"),
        (["setup", "--lanes", "5000", "--out", "{tmp}"], 2, "1 to 4096 lanes"),
        (["verify", "{tmp}"], 5, "qfl zk setup --lanes"),
        (["import", "{tmp}/final.zkey", "--lanes", "64", "--out", "{tmp}"], 2, "no such file"),
    ],
)
def test_what_is_wrong_is_one_line_with_a_remedy(norm_keys, tmp_path, arguments, code, message):
    ended = qfl_zk(*(argument.format(keys=norm_keys.folder, tmp=tmp_path) for argument in arguments))
    assert ended.returncode == code
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr
