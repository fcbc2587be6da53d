"""QFLchain's public names. What is not here may change without notice.

Each is imported when it is first used: `import qfl` alone loads neither web3 nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qfl.auditor.rounds import Auditor as Auditor
    from qfl.chain.deployment import Deployment as Deployment
    from qfl.chain.ledger import Ledger as Ledger
    from qfl.chain.rpc.sender import Sender as Sender
    from qfl.challenger.challenger import Challenger as Challenger
    from qfl.challenger.fault_detector import FaultDetector as FaultDetector
    from qfl.client.client import Client as Client
    from qfl.crypto.kem import KemKey as KemKey
    from qfl.crypto.keyfile import KeyFile as KeyFile
    from qfl.crypto.norm.keys import NormKeys as NormKeys
    from qfl.crypto.norm.prover import Prover as Prover
    from qfl.errors import QflError as QflError
    from qfl.node.context import NodeContext as NodeContext
    from qfl.node.encryption import open_norm_keys as open_norm_keys
    from qfl.node.encryption import set_up_encryption as set_up_encryption
    from qfl.node.membership import join as join
    from qfl.quantum.architecture import Architecture as Architecture
    from qfl.simulation.config import JobConfig as JobConfig
    from qfl.simulation.config import load_config as load_config
    from qfl.simulation.display import Display as Display
    from qfl.simulation.run import Place as Place
    from qfl.simulation.run import run_job as run_job
    from qfl.storage.ipfs import IpfsStore as IpfsStore
    from qfl.storage.store import ContentStore as ContentStore
    from qfl.storage.store import MemoryStore as MemoryStore
    from qfl.training.recipe import TrainingConfig as TrainingConfig
    from qfl.validator.validator import Validator as Validator

_MODULES = {
    "Architecture": "qfl.quantum.architecture",
    "Auditor": "qfl.auditor.rounds",
    "Challenger": "qfl.challenger.challenger",
    "Client": "qfl.client.client",
    "ContentStore": "qfl.storage.store",
    "Deployment": "qfl.chain.deployment",
    "Display": "qfl.simulation.display",
    "FaultDetector": "qfl.challenger.fault_detector",
    "IpfsStore": "qfl.storage.ipfs",
    "JobConfig": "qfl.simulation.config",
    "KemKey": "qfl.crypto.kem",
    "KeyFile": "qfl.crypto.keyfile",
    "Ledger": "qfl.chain.ledger",
    "MemoryStore": "qfl.storage.store",
    "NodeContext": "qfl.node.context",
    "NormKeys": "qfl.crypto.norm.keys",
    "Place": "qfl.simulation.run",
    "Prover": "qfl.crypto.norm.prover",
    "QflError": "qfl.errors",
    "Sender": "qfl.chain.rpc.sender",
    "TrainingConfig": "qfl.training.recipe",
    "Validator": "qfl.validator.validator",
    "join": "qfl.node.membership",
    "load_config": "qfl.simulation.config",
    "open_norm_keys": "qfl.node.encryption",
    "run_job": "qfl.simulation.run",
    "set_up_encryption": "qfl.node.encryption",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
