"""The proving process and `qfl zk`: bad requests and deaths are no riddle, and no answer goes to the wrong question."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from proving import ask_for_proof, claim_about, random_claim

from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover, ProvingProcess
from qfl.crypto.norm.verify import verify_norm_proof
from qfl.errors import ExtraMissing, NormKeysExist, NormKeysMalformed, NormKeysMissing, ProofFailed

pytestmark = pytest.mark.rest


@pytest.fixture
def process(norm_keys: NormKeys) -> Iterator[ProvingProcess]:
    with ProvingProcess() as started:
        yield started


def children() -> set[int]:
    """Processes that this one has started and that have not ended."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {int(pid) for pid in listed}


def test_bad_request_does_not_end_it(process: ProvingProcess, norm_keys: NormKeys):
    before = children()
    with pytest.raises(ProofFailed, match="unheard-of"):
        process.ask("unheard-of")
    with pytest.raises(ProofFailed, match="argument"):
        process.ask("prove", lanes=[1])
    (pid,) = children() - before
    assert len(ask_for_proof(process, norm_keys, random_claim(1))) == 256
    assert pid in children()


def test_prover_that_died_is_reported_and_started_again(norm_keys: NormKeys):
    """A client whose prover the system killed, for want of memory perhaps, proves in the next round again."""
    claim, before = random_claim(2), children()
    with Prover(norm_keys) as prover:
        (pid,) = children() - before
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(ProofFailed, match="the proving process ended"):
            prover.prove(claim.lanes, claim.salt, claim.statement)
        proof = prover.prove(claim.lanes, claim.salt, claim.statement)
    assert verify_norm_proof(norm_keys.verifying_key, claim.statement, proof)
    assert children() == before


def test_threads_get_the_proofs_they_asked_for(norm_keys: NormKeys):
    """Two requests in one pipe would swap answers, and both clients would be refused on chain."""
    claims = [random_claim(seed) for seed in range(4)]
    with Prover(norm_keys) as prover, ThreadPoolExecutor(4) as pool:
        proofs = list(pool.map(lambda claim: prover.prove(claim.lanes, claim.salt, claim.statement), claims))
    for claim, proof in zip(claims, proofs, strict=True):
        assert verify_norm_proof(norm_keys.verifying_key, claim.statement, proof)


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        ("ImportError('No module named groth16py')", ExtraMissing, r"qflchain\[zk\]"),
        ("SystemExit('this machine is too old')", ProofFailed, "this machine is too old"),
    ],
    ids=["without the extra", "cannot start"],
)
def test_process_that_cannot_start_shows_its_last_words(tmp_path, monkeypatch, words, error, said):
    """Without the extra, the remedy is one command; a traceback of a child process would not say so."""
    (tmp_path / "groth16py.py").write_text(f"raise {words}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(error, match=said):
        NormKeys.setup(64, tmp_path / "keys")


def test_keys_that_are_no_pair_make_no_proof(norm_keys: NormKeys, tmp_path: Path):
    """`groth16py.prove` itself would return a proof that no contract accepts."""
    NormKeys.setup(64, tmp_path / "other")
    shutil.copytree(norm_keys.folder, tmp_path / "mixed")
    shutil.copy(tmp_path / "other" / "proving.key", tmp_path / "mixed" / "proving.key")
    claim = claim_about(random_claim(3).lanes)
    with Prover(NormKeys.open(tmp_path / "mixed")) as prover, pytest.raises(ProofFailed, match="not the verifying"):
        prover.prove(claim.lanes, claim.salt, claim.statement)


def test_setup_twice_makes_different_keys_and_overwrites_none(norm_keys: NormKeys, tmp_path: Path):
    """The same keys twice would mean that the randomness, and with it every forgery, can be repeated."""
    digest = norm_keys.digest
    with pytest.raises(NormKeysExist):
        NormKeys.setup(64, norm_keys.folder)
    assert NormKeys.open(norm_keys.folder).digest == digest != NormKeys.setup(64, tmp_path).digest


def test_file_that_is_no_ceremony_is_refused(norm_keys: NormKeys, tmp_path: Path):
    (tmp_path / "final.zkey").write_bytes(b"zkey" + bytes(100))
    with pytest.raises(ProofFailed, match="zkey"):
        NormKeys.setup(64, tmp_path / "keys", tmp_path / "final.zkey")
    with pytest.raises(NormKeysMissing):
        NormKeys.open(tmp_path / "keys")


def test_folder_that_was_damaged_is_refused(norm_keys: NormKeys, tmp_path: Path):
    shutil.copy(norm_keys.folder / "verifying.json", tmp_path)
    text = (tmp_path / "verifying.json").read_text()
    (tmp_path / "verifying.json").write_text(text[: len(text) // 2])
    with pytest.raises(NormKeysMalformed, match=r"verifying\.json"):
        NormKeys.open(tmp_path)


# --- qfl zk ---


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
