"""The explorer: what happened in a deployment, as pages on loopback.

It reads chain and IPFS, and keeps an index of the chains' events and transactions in memory: nothing that it could not
read again. Nodes are not believed more than they have to be, and whatever comes from them is shown as text.
"""
