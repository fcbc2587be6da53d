"""The norm circuit's Groth16 keys: one pair for each capacity, made for a devnet or imported from a ceremony."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from eth_hash.auto import keccak

from qfl.crypto.norm.prover import ProvingProcess
from qfl.crypto.norm.statement import NormStatement, commit_lanes
from qfl.errors import InvalidInput, NormKeysExist, NormKeysMalformed, NormKeysMissing, ProofFailed
from qfl.files import read_json, write_atomically

CAPACITIES = (64, 256, 1024, 4096)
"""Lanes of the circuits there are."""

CIRCUITS = Path(__file__).parent / "circuits"
DEVNET, CEREMONY = "single party, for devnets only", "ceremony"
INPUTS = 4


def capacity_for(lanes: int) -> int:
    """The smallest capacity that holds a vector of `lanes`. Raises InvalidInput: none does."""
    for capacity in CAPACITIES:
        if 1 <= lanes <= capacity:
            return capacity
    raise InvalidInput("lanes", lanes, f"private mode proves 1 to {CAPACITIES[-1]} lanes")


def default_folder(capacity: int) -> Path:
    """Where keys are kept unless told otherwise."""
    return Path(".qfl") / "zk" / f"norm-{capacity}"


@dataclass(frozen=True)
class VerifyingKey:
    """A Groth16 verifying key over BN254, as the words that the contract holds."""

    capacity: int
    """Lanes of its circuit."""
    words: tuple[int, ...]
    """alpha (x, y); beta, gamma, delta (x imaginary, x real, y imaginary, y real each); IC_0 to IC_4 (x, y each)."""

    @classmethod
    def from_snarkjs(cls, document: dict[str, Any], capacity: int) -> VerifyingKey:
        """Read snarkjs's `verification_key.json` and check every point of it.

        Raises:
            NormKeysMalformed: another proof system, curve or number of inputs, or a point that is none.
            ExtraMissing: the extra `zk` is not installed.
        """
        from qfl.crypto.norm.verify import points_of

        kind = document.get("protocol"), document.get("curve"), document.get("nPublic")
        if kind != ("groth16", "bn128", INPUTS):
            raise NormKeysMalformed(f"it is {kind}, not groth16 over bn128 with {INPUTS} public inputs")
        try:
            twisted = [document[name] for name in ("vk_beta_2", "vk_gamma_2", "vk_delta_2")]
            words = [*_g1(document["vk_alpha_1"]), *(word for point in twisted for word in _g2(point))]
            words += [word for point in document["IC"] for word in _g1(point)]
        except (KeyError, TypeError, ValueError) as error:
            raise NormKeysMalformed(f"{type(error).__name__} {error}") from error
        key = cls(capacity, tuple(words))
        points_of(key.words)
        return key

    @property
    def digest(self) -> bytes:
        """keccak of capacity and words, as `INormVerifier.keyDigest` has it."""
        return keccak(b"".join(word.to_bytes(32, "big") for word in (self.capacity, *self.words)))

    def constructor_arguments(self) -> tuple[int, list[int]]:
        """What `Groth16NormVerifier` is deployed with: `(uint256 capacity, uint256[24] words)`."""
        return self.capacity, list(self.words)


@dataclass(frozen=True)
class NormKeys:
    """A folder with `proving.key` and `verifying.json`."""

    folder: Path
    origin: str
    """`DEVNET` or `CEREMONY`: whether somebody could have kept what forges proofs."""
    verifying_key: VerifyingKey

    @classmethod
    def setup(cls, capacity: int, folder: Path, zkey: Path | None = None) -> NormKeys:
        """Make keys here and now: whoever runs this could forge proofs, so it is for devnets.

        Or take over the final `zkey` that snarkjs made in a ceremony over `circuits/norm_<capacity>.circom`.

        Raises:
            NormKeysMalformed: what is in `zkey` does not prove this circuit.
            NormKeysExist, ProofFailed, ExtraMissing.
            InvalidInput: there is no circuit of that capacity, or no such file.
        """
        if zkey is not None and not zkey.is_file():
            raise InvalidInput("zkey", str(zkey), "there is no such file")
        if capacity not in CAPACITIES:
            raise InvalidInput("lanes", capacity, f"there are circuits for {', '.join(map(str, CAPACITIES))}")
        if (folder / "verifying.json").exists():
            raise NormKeysExist(folder)
        folder.mkdir(parents=True, exist_ok=True)
        circuit, proving_key = CIRCUITS / f"norm_{capacity}.circom", folder / "proving.key"
        with ProvingProcess() as process:
            given = {"circuit": str(circuit), "proving_key": str(proving_key), "zkey": zkey and str(zkey)}
            made = process.ask("setup", **given)
            if zkey is not None:
                _require_circuit(process, proving_key, made, capacity)
        document = json.loads(made)
        VerifyingKey.from_snarkjs(document, capacity)
        origin = DEVNET if zkey is None else CEREMONY
        text = json.dumps({"capacity": capacity, "origin": origin, **document}, indent=1)
        # Written last: a folder without one is not finished, and is made again.
        write_atomically(folder / "verifying.json", text.encode())
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> NormKeys:
        """Read a folder's keys. Raises NormKeysMissing, NormKeysMalformed, ExtraMissing."""
        try:
            document = read_json(folder / "verifying.json")
            capacity, origin = int(document["capacity"]), str(document["origin"])
        except FileNotFoundError as error:
            raise NormKeysMissing(folder) from error
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise NormKeysMalformed(f"{folder / 'verifying.json'}: {error}") from error
        return cls(folder, origin, VerifyingKey.from_snarkjs(document, capacity))

    @property
    def proving_key(self) -> Path:
        """What the proving process reads; as large as 0.1 GB."""
        return self.folder / "proving.key"

    @property
    def verifying_document(self) -> str:
        """The verifying key as snarkjs's JSON."""
        return (self.folder / "verifying.json").read_text()

    @property
    def capacity(self) -> int:
        return self.verifying_key.capacity

    @property
    def digest(self) -> bytes:
        """Of the verifying key; the chain's is `INormVerifier.keyDigest`."""
        return self.verifying_key.digest


def _require_circuit(process: ProvingProcess, proving_key: Path, verifying_key: str, capacity: int) -> None:
    """A foreign key that proves the simplest statement is one of this circuit."""
    commitment = commit_lanes(np.zeros(0, dtype=np.int16), capacity, salt=0)
    statement = NormStatement(commitment, context=0, norm_bound=0, lane_bits=8)
    try:
        process.prove(proving_key, verifying_key, statement, salt=0, lanes=[0] * capacity)
    except ProofFailed as error:
        raise NormKeysMalformed(f"the ceremony was not over norm_{capacity}.circom ({error.reason})") from error


def _g1(point: list[str]) -> tuple[int, int]:
    x, y, z = map(int, point)
    if z != 1:
        raise ValueError("a point is not affine")
    return x, y


def _g2(point: list[list[str]]) -> tuple[int, int, int, int]:
    """snarkjs writes the real part first, the chain's precompiles read the imaginary part first."""
    (x_real, x_imaginary), (y_real, y_imaginary), z = (map(int, pair) for pair in point)
    if list(z) != [1, 0]:
        raise ValueError("a point is not affine")
    return x_imaginary, x_real, y_imaginary, y_real
