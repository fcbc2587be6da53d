"""A job that needs what is not installed here: every role says so before it bonds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import require_one_line, run_command
from testnet import SMALL, Testnet

from qfl.devnet import Devnet
from qfl.training.job import JobDocument

FOREIGN = JobDocument.to_json(SMALL).replace(b'"encoding":"angle"', b'"encoding":"elsewhere"')


class Foreign(JobDocument):
    """A job document as somebody writes it who has an encoder called "elsewhere"."""

    def to_json(self) -> bytes:
        return FOREIGN


@pytest.fixture
def testnet(devnet: Devnet, tmp_path: Path) -> Iterator[Testnet]:
    job = Foreign(SMALL.architecture, SMALL.training, SMALL.rounds)
    with Testnet(devnet, tmp_path, job=job) as built:
        yield built


@pytest.mark.parametrize("command", ["client run", "client host", "validator run"])
def test_no_role_bonds_for_a_job_that_it_cannot_do(
    testnet: Testnet, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """Its stake would be locked, and slashed in the private mode for every round that it does not reveal in."""
    name = "validator-1" if command == "validator run" else "client-1"
    testnet.keys[name].close()
    folder = testnet.folder / name
    role = ["--shares", "1/2"] if command == "client host" else ["--key", str(folder / "key.lms")]
    options = [*testnet.where, "--account", "dev:9", "--folder", str(folder / "state"), *role]
    line = require_one_line(run_command(capsys, *command.split(), *options), exit_code=2)
    assert "encoding = 'elsewhere': no such encoder is installed; here are amplitude, angle" in line
    assert testnet.ledger.staking.participant_count() == 0
