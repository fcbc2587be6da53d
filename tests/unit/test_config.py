"""Jobs from TOML files, options and reports: what cannot be used is named, with what to write instead."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from qfl.chain.parameters import load_parameters
from qfl.errors import InvalidInput
from qfl.simulation.config import LANE_PRESETS, JobConfig, load_config
from qfl.simulation.folder import kept_config


@pytest.fixture
def load(tmp_path):
    """Load a job from the text of its file."""

    def load(text: str) -> JobConfig:
        path = tmp_path / "job.toml"
        path.write_text(text)
        return load_config(path)

    return load


def test_file_sets_what_it_names_and_leaves_the_rest(load):
    job = load(
        """
        clients = 8
        dataset = "mnist"
        classes = [3, 6]
        [model]
        qubits = 4
        [training]
        learning_rate = 0.1
        [protocol]
        seats = 3
        """
    )
    assert (job.clients, job.dataset, job.classes) == (8, "mnist", (3, 6))
    assert (job.model, job.training, job.protocol) == ({"qubits": 4}, {"learning_rate": 0.1}, {"seats": 3})
    assert job.rounds == JobConfig().rounds


def test_empty_file_is_the_default_job(load):
    assert load("") == JobConfig()


def test_options_replace_values_and_those_not_given_do_not(load):
    """Click passes None for every option that was not on the command line."""
    job = load("clients = 8\nrounds = 3").with_options(clients=None, rounds=7, seed=0)
    assert (job.clients, job.rounds, job.seed) == (8, 7, 0)


def test_options_are_checked_like_the_file():
    with pytest.raises(InvalidInput, match="rounds = 0"):
        JobConfig().with_options(rounds=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("client = 8", r"client = 8: unknown in .*job\.toml; known are clients, validators"),
        ('clients = "five"', "clients = 'five': must be a whole number"),
        ("clients = 2.0", "clients = 2.0: must be a whole number"),
        ("rounds = true", "rounds = True: must be a whole number"),
        ("seed = []", r"seed = \[\]: must be a whole number"),
        ("dataset = 7", "dataset = 7: must be text"),
        ('download = "no"', "download = 'no': must be true or false"),
        ("classes = 3", "classes = 3: must be a list of whole numbers"),
        ('classes = "36"', "classes = '36': must be a list of whole numbers"),
        ("classes = [3, true]", "classes = True: must be a whole number"),
        ("model = 4", "model = 4: must be a table"),
        ("training = []", r"training = \[\]: must be a table"),
        ('[protocol]\nseats = "4"', "protocol.seats = '4': must be a whole number"),
        ("[clients]\nn = 5", "clients = {'n': 5}: must be a whole number"),
        ("clients = 0", "clients = 0: must be a whole number from 1 to 65536"),
        ("validators = -1", "validators = -1: must be a whole number from 1"),
        ("seed = -1", "seed = -1: must be a whole number from 0"),
        ("limit = -5", "limit = -5: must be a whole number from 0"),
        ('chain = "geth"', "chain = 'geth': choose one of anvil, ganache"),
        ('mode = "secret"', "mode = 'secret': choose one of transparent, private"),
        ('quorum = "vote"', "quorum = 'vote': no such quorum scheme is installed; here are lms, votes"),
        ("key_height = 8", "key_height = 8: choose 5, 10 or 15"),
        ("lane_bits = 32", "lane_bits = 32: choose 4, 8 or 16"),
        ('lane_bits = 4\nmode = "private"', "lane_bits = 4: norm proofs are of lanes of 8 or 16 bits"),
    ],
)
def test_value_of_a_wrong_name_kind_or_size_is_named_with_what_to_write(load, text, message):
    """Taken as it is, it would come up as a TypeError somewhere deep in the run."""
    with pytest.raises(InvalidInput, match=message):
        load(text)


def test_file_that_is_no_toml_is_named(load, tmp_path):
    with pytest.raises(InvalidInput, match=r"job\.toml"):
        load("clients: 5")
    with pytest.raises(InvalidInput, match=r"none\.toml.*No such file"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInput, match=r"binary\.toml"):
        load_config(tmp_path / "binary.toml")


@pytest.mark.parametrize("lane_bits", LANE_PRESETS)
def test_lane_width_brings_exponents_and_bound_that_the_contracts_know(lane_bits):
    """8-bit lanes with the exponents of 16-bit ones would clip every update to nothing."""
    rounds = load_parameters(**JobConfig(lane_bits=lane_bits).parameters()).rounds
    assert rounds["laneBits"] == lane_bits
    assert {name: rounds[name] for name in LANE_PRESETS[lane_bits]} == LANE_PRESETS[lane_bits]


def test_defaults_are_those_of_the_parameter_file():
    """Contracts deployed by `brownie run scripts/deploy.py` and by `qfl run` must not differ unasked."""
    assert load_parameters(**JobConfig().parameters()) == load_parameters()


def test_protocol_has_the_last_word():
    assert JobConfig(lane_bits=8, protocol={"normBound": 5}).parameters()["normBound"] == 5


def test_a_report_gives_the_job_back(tmp_path: Path) -> None:
    job = JobConfig(clients=3, classes=(1, 7), model={"qubits": 4}, device={"shots": 100})
    written = {**asdict(job), "architecture": {"qubits": 4}, "recipe": {}}
    (tmp_path / "report.json").write_text(json.dumps({"config": written}))
    assert kept_config(tmp_path) == job


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_a_folder_without_a_report_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(InvalidInput, match="has no report of a job"):
        kept_config(tmp_path)
