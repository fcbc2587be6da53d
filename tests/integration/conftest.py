"""What the tests of the network share: a devnet, keys of the norm circuit, a state folder that is not the user's."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec

import pytest
from dishonest import liars_testnet, make_up_stakes
from eth_account import Account
from testnet import SMALL, Testnet

from qfl.crypto.norm.keys import NormKeys
from qfl.crypto.norm.prover import Prover
from qfl.devnet import Devnet, DevnetConfig


@pytest.fixture(scope="session", autouse=True)
def own_state_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Leaf marks of the keys made here stay here; child processes inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="module")
def devnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """Anvil, which mines for each transaction, and an IPFS node; every testnet has a deployment of its own on it.

    A module's own: Anvil writes its whole state every two seconds, and that of many modules is hundreds of megabytes.
    """
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("devnet"))) as running:
        yield running


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devnet]:
    """A beacon's chain, one shard's and an IPFS node."""
    with Devnet(DevnetConfig(tmp_path_factory.mktemp("devnet"), shard_chains=1)) as running:
        yield running


@pytest.fixture
def payee() -> str:
    """An account with nothing: what it has in the end is how often it was paid."""
    return str(Account.create().address)


@pytest.fixture(scope="session")
def norm_keys(tmp_path_factory: pytest.TempPathFactory) -> NormKeys:
    """Keys of the circuit of 64 lanes."""
    if missing := [name for name in ("groth16py", "py_ecc") if find_spec(name) is None]:
        pytest.skip(f"{' and '.join(missing)} missing: pip install -e '.[zk]'")
    return NormKeys.setup(64, tmp_path_factory.mktemp("norm-64"))


@pytest.fixture(scope="module")
def built(devnet: Devnet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testnet]:
    """A testnet for a module's lies; the private mode's tests have one of their own."""
    with liars_testnet(devnet, tmp_path_factory.mktemp("testnet"), key_height=10) as built:
        yield built
        built.assert_everything_stands()


@pytest.fixture
def testnet(built: Testnet) -> Iterator[Testnet]:
    """The testnet, in which every slashed validator makes up its stake afterwards."""
    yield built
    make_up_stakes(built)


@pytest.fixture(scope="module")
def prover(norm_keys: NormKeys) -> Iterator[Prover]:
    """Makes proofs with those keys."""
    with Prover(norm_keys) as running:
        yield running


@pytest.fixture(scope="module")
def private_testnet(
    devnet: Devnet, norm_keys: NormKeys, prover: Prover, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Testnet]:
    """A testnet of the private mode."""
    folder, job = tmp_path_factory.mktemp("private"), replace(SMALL, mode="private")
    with Testnet(devnet, folder, job=job, prover=prover, verifying_key=norm_keys.verifying_key) as built:
        yield built
