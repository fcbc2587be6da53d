"""Attacks on the protocol: each is a strategy that a role can be started with, tried on a real chain and IPFS node.

`qfl attack --all` runs every one of them in an `Arena` of its own and compares what is left with the same run without
the attack: the final model, everybody's funds. Nothing here can do what an attacker could not do to a real network,
except where it says so: the arena chooses the block in which a round opens, so that the attackers hold the seats that
the attack needs.
"""
