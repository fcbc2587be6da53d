"""Content by digest: on IPFS, or in memory."""
