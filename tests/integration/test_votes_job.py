"""The main job with committees that vote: what it costs, and that it can be verified."""

from dataclasses import replace
from pathlib import Path

import pytest
from jobs import run, verify

from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.connection import prepare_connection
from qfl.chain.rpc.sender import Sender
from qfl.devnet.config import CHAIN_ID
from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig
from qfl.simulation.preflight import estimate_run

pytestmark = pytest.mark.rest

JOB = JobConfig(
    clients=2,
    validators=5,
    rounds=2,
    classes=(0, 1, 2),
    quorum="votes",
    key_height=5,
    central_epochs=0,
    model={"qubits": 2, "layers": 1},
    training={"steps": 2},
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("job") / "run"
    report = run(JOB, folder)
    assert [entry["included"] for entry in report["rounds"]] == [2, 2]
    gas = report["gas"]
    assert (len(gas["register_vote_chains"]), len(gas["post_list"])) == (5, 2)
    assert max(gas["checkpoint"]) <= 260_000
    one = Sender(prepare_connection("http://chain"), development_account(0), chain_id=CHAIN_ID)
    (outlay,) = estimate_run(JOB, [one] * 8, has_shard_chains=False).values()
    assert sum(map(sum, gas.values())) < outlay.gas
    return folder


def test_every_round_can_be_verified(finished: Path) -> None:
    result = verify(finished)
    assert result.exit_code == 0, result.output
    assert result.output.count("every signature valid") == 2


def test_a_run_is_not_taken_up_with_another_quorum(finished: Path) -> None:
    with pytest.raises(InvalidInput, match=r"quorum = 'lms': .* was begun with another one"):
        run(replace(JOB, quorum="lms"), finished, resume=True)
