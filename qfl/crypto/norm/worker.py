"""The proving process: `python -m qfl.crypto.norm.worker`, requests and replies as lines of JSON.

groth16py is licensed under GPL-3. It is imported here and nowhere else, and is no part of any other process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from groth16py import ProvingKey, Verifier


def main() -> None:
    """Answer requests until standard input ends: a worker does not outlive who started it."""
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the circuit compiler prints to standard output
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), file=replies, flush=True)


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": _ACTIONS[request.pop("action")](**request)}
    except ImportError as error:
        return {"error": "missing", "reason": str(error)}
    except Exception as error:
        return {"error": "failed", "reason": f"{type(error).__name__}: {error}"}


def _setup(circuit: str, proving_key: str, zkey: str | None = None) -> str:
    """Make a proving key in a file, or take it from a ceremony's `zkey`; the verifying key as snarkjs's JSON."""
    import groth16py

    libraries = [groth16py.circomlib_path(2)]
    if zkey is None:
        proving, verifying = groth16py.setup_circom(circuit, libraries)
    else:
        proving, verifying = groth16py.import_zkey(zkey, circuit, libraries)
    proving.save(proving_key)
    return verifying.to_json()


def _load(proving_key: str, verifying_key: str) -> None:
    """Get ready to prove: reading a key takes longer than a proof."""
    _proving_key(proving_key), _verifier(verifying_key)


def _prove(proving_key: str, verifying_key: str, inputs: dict[str, Any], public: list[int]) -> str:
    """A proof in hexadecimal, verified: `groth16py.prove` computes a witness without checking it."""
    import groth16py

    proof = groth16py.prove(_proving_key(proving_key), inputs)
    if not _verifier(verifying_key).verify(proof, public):
        raise ValueError("the statement is not true of these lanes, or the proving key is not the verifying key's")
    return proof.hex()


@lru_cache(maxsize=1)
def _proving_key(path: str) -> ProvingKey:
    import groth16py

    return groth16py.ProvingKey.load(path)


@lru_cache(maxsize=1)
def _verifier(text: str) -> Verifier:
    import groth16py

    return groth16py.Verifier(groth16py.VerifyingKey.from_snarkjs(text))


_ACTIONS: dict[str, Callable[..., Any]] = {"setup": _setup, "load": _load, "prove": _prove}

if __name__ == "__main__":
    main()
