"""Files of a deployment: parameters before it, addresses after it; what is wrong in them is named."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from eth_utils.crypto import keccak

from qfl.chain.abi import load_abi
from qfl.chain.deployment import DeployedContract, Deployment, ShardChain
from qfl.chain.parameters import DEFAULTS, load_parameters
from qfl.errors import DeploymentMalformed, DeploymentMismatch, DeploymentMissing, InvalidInput

NAMES = ["Staking", "Draw", "LmsQuorum", "Beacon", "Rewards", "Shard 0"]
ADDRESSES = {name: f"0x{number:040x}" for number, name in enumerate(NAMES, 1)}
CODE = {name: f"code of {name}".encode() for name in ADDRESSES}


def contract(name):
    return DeployedContract(ADDRESSES[name], "0x" + keccak(CODE[name]).hex())


DEPLOYMENT = Deployment(
    31_337,
    12,
    {name: contract(name) for name in ("Staking", "Draw", "LmsQuorum", "Beacon", "Rewards")},
    [contract("Shard 0")],
    {"rounds": {"seats": 4}},
    {"modelRoot": "0xab"},
)


def chain(chain_id=31_337, **changes):
    """A chain with every contract of `DEPLOYMENT`; `changes` give other code by the contract's name."""
    code = {ADDRESSES[name].lower(): data for name, data in {**CODE, **changes}.items()}
    eth = SimpleNamespace(chain_id=chain_id, get_code=lambda address: code[address.lower()])
    return SimpleNamespace(eth=eth, provider=SimpleNamespace(endpoint_uri="http://stub"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deployment.json"


def test_what_is_saved_is_loaded(path):
    DEPLOYMENT.save(path)
    assert Deployment.load(path) == DEPLOYMENT


def test_missing_file_says_how_to_deploy(path):
    with pytest.raises(DeploymentMissing, match="qfl deploy"):
        Deployment.load(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "5", "{}", "\x00", "\udcff"])
def test_file_that_is_no_deployment_is_named(path, text):
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DeploymentMalformed, match=r"deployment\.json is not a deployment file"):
        Deployment.load(path)


def test_folder_in_place_of_the_file_is_named(tmp_path):
    with pytest.raises(DeploymentMalformed, match="IsADirectoryError"):
        Deployment.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"version": 1}, "version 1, this program reads 2", id="version"),
        pytest.param({"chainId": "mainnet"}, "'mainnet' is not the number of a chain", id="chain id"),
        pytest.param({"block": None}, "None is not the number of a chain or block", id="block"),
        pytest.param({"contracts": {}}, "no Beacon and no Draw and no Rewards and no Staking in it", id="no contracts"),
        pytest.param({"contracts": []}, "AttributeError", id="contracts"),
        pytest.param({"shards": []}, "no shard in it", id="no shards"),
        pytest.param({"shards": [{"address": ADDRESSES["Beacon"]}]}, "codeHash", id="no code hash"),
        pytest.param({"shards": [{"address": "0x12", "codeHash": "0x"}]}, "'0x12' is not an address", id="address"),
        pytest.param({"shards": [{"address": 5, "codeHash": "0x"}]}, "5 is not an address", id="number"),
    ],
)
def test_file_with_something_else_in_it_says_what(path, change, reason):
    """Loaded all the same, it would fail as a KeyError in the middle of a round."""
    DEPLOYMENT.save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DeploymentMalformed, match=reason):
        Deployment.load(path)


def test_matching_chain_passes():
    DEPLOYMENT.check(chain())


def test_other_chain_is_refused_before_anything_is_sent():
    with pytest.raises(DeploymentMismatch, match="the chain id at http://stub is 1, the file says 31337"):
        DEPLOYMENT.check(chain(chain_id=1))


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(("code", "said"), [(b"", "no contract"), (b"other", f"0x{keccak(b'other').hex()}")])
def test_chain_without_a_contract_or_with_other_code_is_refused_and_the_contract_named(name, code, said):
    """A restarted development chain is empty: its id is right, its contracts are gone."""
    with pytest.raises(DeploymentMismatch, match=f"the code of {name} at {ADDRESSES[name]} is {said}"):
        DEPLOYMENT.check(chain(**{name: code}))


def test_second_shard_is_checked_too():
    two = replace(DEPLOYMENT, shards=[*DEPLOYMENT.shards, DeployedContract(ADDRESSES["Shard 0"], "0xother")])
    with pytest.raises(DeploymentMismatch, match="the code of Shard 1"):
        two.check(chain())


# --- shards on chains of their own ---

AWAY = replace(
    DEPLOYMENT,
    chains=[
        ShardChain(31_338, 3, "http://shard", DeployedContract(ADDRESSES["Beacon"], DEPLOYMENT.shards[0].codeHash))
    ],
)


def test_chains_of_shards_are_saved_and_loaded(path):
    AWAY.save(path)
    assert Deployment.load(path) == AWAY


def test_a_file_with_some_shards_on_chains_of_their_own_is_refused(path):
    """Read as it stands, the second shard would be looked for on the first one's chain."""
    AWAY.save(path)
    document = json.loads(path.read_text())
    document["shards"].append({"address": ADDRESSES["Shard 0"], "codeHash": "0x"})
    path.write_text(json.dumps(document))
    with pytest.raises(DeploymentMalformed, match="some have none"):
        Deployment.load(path)


def test_a_shards_own_chain_is_checked_apart_from_the_beacons():
    """Contracts of one deployer have the same addresses on every chain: only id and code tell the chains apart."""
    AWAY.check(chain(**{"Shard 0": b""}))
    with pytest.raises(DeploymentMismatch, match="the chain id at http://stub is 31337, the file says 31338"):
        AWAY.check_shard(0, chain())
    with pytest.raises(DeploymentMismatch, match="the code of BeaconMirror 0"):
        AWAY.check_shard(0, chain(chain_id=31_338))


# --- parameters ---


def members(contract: str, position: int) -> set[str]:
    """Names in a struct that a contract's constructor takes."""
    (constructor,) = (entry for entry in load_abi(contract) if entry["type"] == "constructor")
    return {member["name"] for member in constructor["inputs"][position]["components"]}


def test_file_has_exactly_what_the_constructors_take():
    """A parameter added to a contract and not to the file would stop every deployment."""
    parameters = load_parameters()
    assert set(parameters.staking) == members("Staking", 0)
    assert set(parameters.rounds) == members("Beacon", 3)


def test_override_replaces_one_value_in_whatever_section_it_is():
    parameters = load_parameters(seats=7, unbondingSeconds=100, rewardPoolWei=0)
    assert parameters.rounds["seats"] == 7
    assert parameters.staking["unbondingSeconds"] == 100
    assert parameters.reward_pool_wei == 0
    assert parameters.rounds["shards"] == load_parameters().rounds["shards"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("seat", 7, r"parameter = 'seat': unknown; known are .*seats.*rewardPoolWei"),
        *(("seats", value, r"seats = .*whole number") for value in ("4", 4.0, True, -1, None)),
    ],
)
def test_parameter_of_a_wrong_name_or_kind_is_named(name, value, said):
    with pytest.raises(InvalidInput, match=said):
        load_parameters(**{name: value})


@pytest.mark.parametrize(
    ("name", "bits"),
    [("minClientStakeWei", 96), ("unbondingSeconds", 32), ("slashBps", 16), ("seats", 8), ("normBound", 64)],
)
def test_value_that_its_solidity_type_cannot_hold_is_named(name, bits):
    """It would be refused while it is encoded, when half of the contracts are deployed."""
    assert load_parameters(**{name: 2**bits - 1})
    with pytest.raises(InvalidInput, match=rf"{name} = .*this one has {bits} bits"):
        load_parameters(**{name: 2**bits})


@pytest.mark.parametrize(
    "text",
    ["", "seats: 4", "staking = 5\nrounds = 5\ndeployment = 5", "[staking]\n[rounds]\n[deployment]", "\ud83d"],
    ids=["empty", "no TOML", "no tables", "no pool", "no UTF-8"],
)
def test_file_that_is_no_parameter_file_is_named(tmp_path, text):
    path = tmp_path / "parameters.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InvalidInput, match=r"parameters\.toml.*not a parameter file"):
        load_parameters(path)


def test_value_in_the_file_is_checked_too(tmp_path):
    path = tmp_path / "parameters.toml"
    path.write_text(DEFAULTS.read_text().replace("seats = 4", 'seats = "four"'))
    with pytest.raises(InvalidInput, match="seats = 'four'"):
        load_parameters(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="No such file"):
        load_parameters(tmp_path / "none.toml")
