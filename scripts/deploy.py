"""Deploy everything: `brownie run scripts/deploy.py` (add `--network NAME` for another chain than Brownie's own).

Settings come from the environment, because `brownie run` passes no options:

    QFL_ACCOUNT      who pays and becomes the owner: an account id known to Brownie; default: the first account
    QFL_PARAMETERS   TOML file of deployment parameters; default: qfl/chain/parameters.toml
    QFL_GENESIS      JSON file with modelRoot, contentDigest, architectureDigest (0x...), quantumLength and
                     classicalLength; default: a model of zeros with 288 angles and 70 weights
    QFL_NORM_KEYS    for the private mode: the folder with `verifying.json`, as `qfl zk setup` makes it; its circuit
                     must take as many lanes as the model has coordinates. Default: the transparent mode
    QFL_QUORUM       how committees sign: a scheme of `qfl.quorum`, lms or votes; default: votes
    QFL_DEPLOYMENT   where to write the deployment file; default: deployments/<chain id>.json
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import brownie
import numpy as np
from brownie import (
    Beacon,
    Demands,
    Disputes,
    Draw,
    Groth16NormVerifier,
    MirrorFaults,
    Rewards,
    Shard,
    Staking,
    accounts,
    chain,
    network,
    web3,
)

from qfl.chain.deploy import NOBODY, QuorumContract, check_capacity, confirmations_of
from qfl.chain.deployment import DeployedContract, Deployment, code_hash
from qfl.chain.parameters import DEFAULTS, ProtocolParameters, load_parameters
from qfl.crypto.norm.keys import NormKeys, VerifyingKey
from qfl.errors import AddressTaken
from qfl.protocol.content import Content, ContentKind, content_digest, encode, lanes_root
from qfl.protocol.types import ModelShape, RoundNumber, ShardIndex
from qfl.quorum.quorum import DEFAULT, SCHEMES, scheme_in

DEFAULT_SHAPE = ModelShape(quantum=288, classical=70)


@dataclass(frozen=True)
class Contracts:
    """Brownie's handles of one deployment; `verifier` is None in the transparent mode."""

    staking: Any
    draw: Any
    quorum: Any
    beacon: Any
    shards: list[Any]
    rewards: Any
    demands: Any
    disputes: Any
    verifier: Any = None


def main() -> None:
    parameters, genesis, verifying_key, quorum = _settings()
    block, path = chain.height, deployment_path()
    contracts = deploy(paying_account(), parameters, genesis, verifying_key, quorum=quorum)
    _drop_brownies_own_record()
    path.parent.mkdir(parents=True, exist_ok=True)
    describe(contracts, block, parameters, genesis).save(path)
    print(f"Deployment written to {path}")


def attach() -> Contracts:
    """The contracts of the deployment file; on Brownie's own chain, which begins empty, new ones.

    Raises `DeploymentMissing`, `DeploymentMalformed`, or `DeploymentMismatch` when the chain has other code there.
    """
    if network.show_active() == "development":
        parameters, genesis, verifying_key, quorum = _settings()
        return deploy(paying_account(), parameters, genesis, verifying_key, quorum=quorum)
    deployment = Deployment.load(deployment_path())
    deployment.check(web3)
    named = deployment.contracts
    quorum = scheme_in(deployment).contract.name
    contracts = Contracts(
        _at(Staking, named["Staking"]),
        _at(Draw, named["Draw"]),
        _at(getattr(brownie, quorum), named[quorum]),
        _at(Beacon, named["Beacon"]),
        [_at(Shard, shard) for shard in deployment.shards],
        _at(Rewards, named["Rewards"]),
        _at(Demands, named["Demands"]),
        _at(Disputes, named["Disputes"]),
        _at(Groth16NormVerifier, named["NormVerifier"]) if "NormVerifier" in named else None,
    )
    _drop_brownies_own_record()
    return contracts


def paying_account() -> Any:
    """The account that QFL_ACCOUNT names, or the first."""
    name = os.environ.get("QFL_ACCOUNT")
    return accounts.load(name) if name else accounts[0]


def deployment_path() -> Path:
    """Where the deployment file is, or will be."""
    return Path(os.environ.get("QFL_DEPLOYMENT", f"deployments/{chain.id}.json"))


def deploy(
    account: Any,
    parameters: ProtocolParameters,
    genesis: Mapping[str, Any],
    verifying_key: VerifyingKey | None = None,
    disputes: Any = None,
    quorum: str | QuorumContract = DEFAULT,
    mirrors: Sequence[tuple[int, str]] = (),
) -> Contracts:
    """Deploy, wire and fund; `account` pays and becomes the owner.

    Args:
        genesis: the members of `ModelGenesis` by name.
        verifying_key: for the private mode: what norm proofs are checked with.
        disputes: what may slash and void instead of a new `Disputes`.
        quorum: how committees sign: a scheme of `qfl.quorum`, or what verifies it.
        mirrors: chain id and address of each shard's mirror, where there are some: their lies can be proven then.

    Raises:
        InvalidInput: no such quorum, or the key's circuit is too small for the model; nothing was sent.
        AddressTaken: the account sent something else meanwhile.
    """
    signing = quorum if isinstance(quorum, QuorumContract) else SCHEMES.find(quorum, "quorum").contract
    if verifying_key is not None:
        check_capacity(verifying_key, ModelShape(genesis["quantumLength"], genesis["classicalLength"]))
    paying, shard_count = {"from": account}, parameters.rounds["shards"]
    staking = account.deploy(Staking, in_order(Staking, 0, parameters.staking))
    draw = account.deploy(Draw, staking)
    verifies = account.deploy(getattr(brownie, signing.name), staking, *signing.arguments(parameters))
    # The beacon takes the disputes contract's address, and the other way round; so that one is foretold.
    ahead = 3 + (verifying_key is not None) + shard_count + bool(mirrors)
    expected = account.get_deployment_address(account.nonce + ahead) if disputes is None else disputes
    beacon = account.deploy(
        Beacon,
        *(staking, verifies),
        in_order(Beacon, 2, genesis),
        in_order(Beacon, 3, parameters.rounds),
        *(draw, expected, account),
    )
    verifier = verifying_key and account.deploy(Groth16NormVerifier, *verifying_key.constructor_arguments())
    shards = [account.deploy(Shard, beacon, index, verifier or NOBODY, staking) for index in range(shard_count)]
    rewards = account.deploy(Rewards, beacon, staking)
    demanding = in_order(Demands, 2, parameters.demands)
    demands = account.deploy(Demands, beacon, verifying_key is not None, demanding)
    if disputes is None:
        mirror_faults = account.deploy(MirrorFaults, beacon, mirrors) if mirrors else NOBODY
        if (found := account.get_deployment_address()) != expected:
            raise AddressTaken("Disputes", expected, found)
        disputes = account.deploy(Disputes, beacon, staking, shards, demands, mirror_faults)
    staking.wire(beacon, draw, disputes, rewards, paying)
    if parameters.reward_pool_wei:
        staking.fundRewards(paying | {"value": parameters.reward_pool_wei})
    return Contracts(staking, draw, verifies, beacon, shards, rewards, demands, disputes, verifier)


def describe(
    contracts: Contracts, block: int, parameters: ProtocolParameters, genesis: Mapping[str, Any]
) -> Deployment:
    """The deployment file of `contracts`, deployed after block `block`."""
    named = {"Staking": contracts.staking, "Draw": contracts.draw}
    named |= {contracts.quorum._name: contracts.quorum, "Beacon": contracts.beacon}
    named |= {"NormVerifier": contracts.verifier} if contracts.verifier else {}
    named |= {"Rewards": contracts.rewards, "Demands": contracts.demands, "Disputes": contracts.disputes}
    return Deployment(
        chain.id,
        block,
        {name: _deployed(contract) for name, contract in named.items()},
        [_deployed(shard) for shard in contracts.shards],
        {name: dict(getattr(parameters, name)) for name in ("staking", "rounds", "demands")},
        dict(genesis),
        confirmations=confirmations_of(web3),
    )


def zero_genesis(shape: ModelShape) -> dict[str, Any]:
    """A model of zeros, as nobody's architecture: enough to try the contracts with."""
    zeros = np.zeros(shape.total, dtype=np.int32)
    model = Content(ContentKind.MODEL, 32, RoundNumber(0), ShardIndex(0), 0, 0, shape, bytes(32), zeros)
    return {
        "modelRoot": "0x" + lanes_root(model).hex(),
        "contentDigest": "0x" + content_digest(encode(model)).hex(),
        "architectureDigest": "0x" + sha256(b"{}").hexdigest(),
        "quantumLength": shape.quantum,
        "classicalLength": shape.classical,
    }


def in_order(contract: Any, position: int, values: Mapping[str, Any]) -> list[Any]:
    """`values` as the struct that `contract`'s constructor takes as argument number `position`."""
    return [values[member["name"]] for member in contract.deploy.abi["inputs"][position]["components"]]


def _settings() -> tuple[ProtocolParameters, Mapping[str, Any], VerifyingKey | None, str]:
    parameters = load_parameters(Path(os.environ.get("QFL_PARAMETERS", DEFAULTS)))
    file, keys = os.environ.get("QFL_GENESIS"), os.environ.get("QFL_NORM_KEYS")
    genesis = json.loads(Path(file).read_text()) if file else zero_genesis(DEFAULT_SHAPE)
    verifying_key = NormKeys.open(Path(keys)).verifying_key if keys else None
    return parameters, genesis, verifying_key, os.environ.get("QFL_QUORUM", DEFAULT)


def _drop_brownies_own_record() -> None:
    # The deployment file is the record. With its own, Brownie would refuse to connect to a devnet that began anew.
    shutil.rmtree(Path("build/deployments") / str(chain.id), ignore_errors=True)


def _at(container: Any, deployed: DeployedContract) -> Any:
    # Brownie 1.22.2 fails to remember contracts of a live network: `TypeError: dict object expected`.
    return container.at(deployed.address, persist=False)


def _deployed(contract: Any) -> DeployedContract:
    return DeployedContract(contract.address, code_hash(web3, contract.address))
