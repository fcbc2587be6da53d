"""Deployment through web3: contracts that know each other, the private mode's verifier, and what stops a deployment."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount
from web3 import Web3

from qfl.chain.deploy import Genesis, deploy
from qfl.chain.deployment import Deployment
from qfl.chain.ledger import Ledger
from qfl.chain.parameters import load_parameters
from qfl.chain.rpc.accounts import development_account
from qfl.chain.rpc.calls import Receipt
from qfl.chain.rpc.connection import connect
from qfl.chain.rpc.sender import Sender, UnsentCall
from qfl.crypto.norm.keys import NormKeys, VerifyingKey
from qfl.devnet import Devnet
from qfl.errors import AddressTaken, InvalidInput
from qfl.protocol.types import ModelShape, ShardIndex
from qfl.quorum.quorum import DEFAULT, SCHEMES

PARAMETERS = load_parameters(shards=2, seats=2)
OWNER = 9
QUORUM = SCHEMES.find(DEFAULT).contract


def genesis(shape: ModelShape) -> Genesis:
    return Genesis(b"r" * 32, b"c" * 32, b"a" * 32, shape)


@pytest.fixture
def web3(devnet: Devnet) -> Web3:
    return connect(devnet.rpc_url)


def test_a_key_for_too_few_lanes_is_refused_before_anything_is_sent(web3: Web3) -> None:
    """The longest update of the model could never be proven, so no client could ever reveal."""
    sender, key = Sender(web3, development_account(OWNER)), VerifyingKey(64, tuple(range(24)))
    before = sender.balance_wei()
    with pytest.raises(InvalidInput, match="the model has 65 coordinates; make a key with `qfl zk setup --lanes 65`"):
        deploy(sender, PARAMETERS, genesis=genesis(ModelShape(60, 5)), quorum=QUORUM, verifying_key=key)
    assert sender.balance_wei() == before


class Distracted(Sender):
    """Its account pays itself, through another program, as soon as the beacon is there."""

    def __init__(self, web3: Web3, account: LocalAccount) -> None:
        super().__init__(web3, account)
        self._other = Sender(web3, account)

    def send_raw(self, call: UnsentCall) -> tuple[Receipt, Mapping[str, Any]]:
        sent = super().send_raw(call)
        if call.label == "deploy_Beacon":
            self._other.send(UnsentCall("pay oneself", self.address, b"", 1))
        return sent


def test_an_account_that_sends_something_else_meanwhile_is_told_so(web3: Web3) -> None:
    """Two programs deploy with one account: the beacon would name a disputes contract that is not there."""
    with pytest.raises(AddressTaken, match="deploy again, with an account that nobody else uses"):
        deploy(
            Distracted(web3, development_account(OWNER)), PARAMETERS, genesis=genesis(ModelShape(6, 3)), quorum=QUORUM
        )


def test_a_transparent_deployment_has_disputes_and_no_verifier(web3: Web3) -> None:
    deployment = deploy(
        Sender(web3, development_account(OWNER)), PARAMETERS, genesis=genesis(ModelShape(6, 3)), quorum=QUORUM
    )
    assert deployment.contracts.keys() == {"Staking", "Draw", QUORUM.name, "Beacon", "Rewards", "Demands", "Disputes"}
    assert [Ledger(web3, deployment).norm_verifier(ShardIndex(shard)) for shard in range(2)] == [None, None]


def test_a_private_deployment_gives_every_shard_the_verifier_of_the_key(
    web3: Web3, norm_keys: NormKeys, tmp_path: Path
) -> None:
    """What is read back from the deployment file, as another process would."""
    path = tmp_path / "deployment.json"
    sender = Sender(web3, development_account(OWNER))
    deploy(
        sender, PARAMETERS, genesis=genesis(ModelShape(60, 4)), quorum=QUORUM, verifying_key=norm_keys.verifying_key
    ).save(path)
    deployment = Deployment.load(path)
    deployment.check(web3)
    ledger = Ledger(web3, deployment)
    for shard in range(2):
        verifier = ledger.norm_verifier(ShardIndex(shard))
        assert verifier is not None
        assert verifier.address == deployment.contracts["NormVerifier"].address
        assert (verifier.capacity(), verifier.key_digest()) == (64, norm_keys.digest)
