"""A development network on this machine: a chain (Anvil or Ganache) and an embedded IPFS node."""

from qfl.devnet.config import DevnetConfig
from qfl.devnet.devnet import Devnet

__all__ = ["Devnet", "DevnetConfig"]
