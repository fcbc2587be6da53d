"""A development network on this machine: a chain (Anvil or Ganache) and an embedded IPFS node."""

from qfl.devnet.config import CHAIN_ID, DEV_MNEMONIC, ChainKind, DevnetConfig
from qfl.devnet.devnet import Devnet
from qfl.devnet.health import DevnetStatus, PartStatus
from qfl.devnet.service import read_status, serve, start_detached, stop_running

__all__ = [
    "CHAIN_ID",
    "DEV_MNEMONIC",
    "ChainKind",
    "Devnet",
    "DevnetConfig",
    "DevnetStatus",
    "PartStatus",
    "read_status",
    "serve",
    "start_detached",
    "stop_running",
]
