"""QFLchain's public names. What is not here may change without notice.

Each is imported when it is first used: `import qfl` alone loads neither web3 nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qfl.audit.rounds import Auditor as Auditor
    from qfl.chain.deployment import Deployment as Deployment
    from qfl.chain.ledger import Ledger as Ledger
    from qfl.chain.sender import Sender as Sender
    from qfl.config import JobConfig as JobConfig
    from qfl.config import load_config as load_config
    from qfl.errors import QflError as QflError
    from qfl.keys.keyfile import KeyFile as KeyFile
    from qfl.privacy.kem import KemKey as KemKey
    from qfl.quantum.architecture import Architecture as Architecture
    from qfl.quantum.config import TrainingConfig as TrainingConfig
    from qfl.report.display import Display as Display
    from qfl.roles.challenger import Challenger as Challenger
    from qfl.roles.client import Client as Client
    from qfl.roles.encryption import set_up_encryption as set_up_encryption
    from qfl.roles.membership import join as join
    from qfl.roles.proving import open_norm_keys as open_norm_keys
    from qfl.roles.validator import Validator as Validator
    from qfl.roles.watch import Watch as Watch
    from qfl.run import Place as Place
    from qfl.run import run_job as run_job
    from qfl.storage.ipfs import IpfsStore as IpfsStore
    from qfl.storage.memory import MemoryStore as MemoryStore
    from qfl.storage.store import ContentStore as ContentStore
    from qfl.zk.keys import NormKeys as NormKeys
    from qfl.zk.prover import Prover as Prover

_MODULES = {
    "Architecture": "qfl.quantum.architecture",
    "Auditor": "qfl.audit.rounds",
    "Challenger": "qfl.roles.challenger",
    "Client": "qfl.roles.client",
    "ContentStore": "qfl.storage.store",
    "Deployment": "qfl.chain.deployment",
    "Display": "qfl.report.display",
    "IpfsStore": "qfl.storage.ipfs",
    "JobConfig": "qfl.config",
    "KemKey": "qfl.privacy.kem",
    "KeyFile": "qfl.keys.keyfile",
    "Ledger": "qfl.chain.ledger",
    "MemoryStore": "qfl.storage.memory",
    "NormKeys": "qfl.zk.keys",
    "Place": "qfl.run",
    "Prover": "qfl.zk.prover",
    "QflError": "qfl.errors",
    "Sender": "qfl.chain.sender",
    "TrainingConfig": "qfl.quantum.config",
    "Validator": "qfl.roles.validator",
    "Watch": "qfl.roles.watch",
    "join": "qfl.roles.membership",
    "load_config": "qfl.config",
    "open_norm_keys": "qfl.roles.proving",
    "run_job": "qfl.run",
    "set_up_encryption": "qfl.roles.encryption",
}

__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
