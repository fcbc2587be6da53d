"""Attacks on clients that commit by key: with a token or a key, whoever showed it, wherever and whenever."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from experiments.attacks.insistent import Insistent
from experiments.attacks.outsiders import ANOTHER_CONTRACT, DIGEST, ETHEREUM, ROOT, VICTIM, read_input
from experiments.attacks.strategy import Outsider
from experiments.attacks.testnet import LocalTestnet
from qfl.chain.contracts.shard import Committed
from qfl.chain.ledger import Ledger
from qfl.chain.rounds import ShardRound
from qfl.chain.rpc.sender import UnsentCall
from qfl.crypto.hash_chain import LINK_BYTES, HashChain, LinkSeed, RoundKeys, link_domain
from qfl.node.anchors import find_key_chain
from qfl.protocol.digests import Domain, as_salt, compute_commitment
from qfl.protocol.types import Reveal, RoundNumber

DEPTH = 8
"""Confirmations of clients that wait: more blocks than there are between two phases."""
NOTHING = bytes(LINK_BYTES)
"""A link that nobody has shown."""


class TokenThief(Outsider):
    """Sees a client's token before it is in a block, and commits with it first: what it says it means to open later."""

    def links(self, number: RoundNumber) -> RoundKeys:
        """What the victim shows in a round."""
        victim = self.testnet.join(VICTIM)
        anchor = self._ledger.staking.anchor_of(victim)
        chain = find_key_chain(self._ledger, victim, self.testnet.folder / VICTIM, anchor=anchor)
        links = None if chain is None else chain.keys_of(number, anchor[1])
        assert links is not None
        return links

    def steal(self, number: RoundNumber, token: bytes, key: bytes = NOTHING, place: Domain | None = None) -> bool:
        """Commit in the victim's name, for this shard or another `place`; whether that was accepted."""
        base_root, victim = self._ledger.beacon.context().base_root, self.testnet.join(VICTIM)
        opening = compute_commitment(number, victim, ROOT, DIGEST, as_salt(key))
        commitment = (place or self._ledger.shard_domains[0]).keyed(base_root, opening)
        call = self._ledger.shards[0].commit_by_key(
            number, victim, base_root=base_root, commitment=commitment, token=token
        )
        return self.sender.attempt(call)

    def open(self, number: RoundNumber, key: bytes) -> bool:
        """Open what it has committed to; whether that was accepted."""
        opening = {"update_root": ROOT, "content_digest": DIGEST, "salt": as_salt(key)}
        return self.sender.attempt(self._ledger.shards[0].reveal(number, self.testnet.join(VICTIM), **opening))

    def heard(self, ledger: Ledger, number: RoundNumber) -> RoundKeys:
        """What the victim has shown in a round, as a chain has it; `NOTHING` for what it has not."""
        shard, opened_in = ledger.shards[0], ledger.round(number).opened_in
        said: dict[str, Any] = {}
        events: list[Committed | Reveal] = [*shard.commits(number, opened_in), *shard.reveals(number, opened_in)]
        for event in events:
            if event.client == self.testnet.join(VICTIM):
                said |= ledger.call_in(shard, event.tx_hash) or {}
        return RoundKeys(token=said.get("token", NOTHING), key=said.get("salt", NOTHING)[:LINK_BYTES])

    def during_commits(self, number: RoundNumber) -> None:
        """Be quicker, and again when the victim has signed."""
        self.steal(number, self.links(number).token)

    def during_reveals(self, number: RoundNumber) -> None:
        """Try what it has; the victim's key is none of it, as that is not shown."""
        self.open(number, NOTHING)


class EarlyKey(TokenThief):
    """Is told the key of a client, whose commitment is in a block, before the commit phase is over."""

    def during_commits(self, number: RoundNumber) -> None:
        """Commit to another update with the key, and open that."""
        links = self.links(number)
        self.steal(number, links.token, links.key)
        self.open(number, links.key)

    def during_reveals(self, number: RoundNumber) -> None:
        """Open the client's slot with the key and the other update."""
        self.open(number, self.links(number).key)


# --- links of another time, and of another place -------------------------------------------------------------------


class OldKey(TokenThief):
    """Is told links that a client did not use, when their round is over."""

    def during_commits(self, number: RoundNumber) -> None:
        """Use them in the next one."""
        unused = self.links(RoundNumber(number - 1))
        for link in (unused.token, unused.key):
            self.steal(number, link, unused.key)

    def during_reveals(self, number: RoundNumber) -> None:
        """There is nothing to open."""


class RestoredBackup(OldKey):
    """Has a client restore a backup that is older than what it committed to and showed: all of its folder."""

    def during_commits(self, number: RoundNumber) -> None:
        """Keep the backup of the first round; in the next one, use what was shown since."""
        if number == 1:
            self._kept = self.testnet.back_up(VICTIM)
        else:
            super().during_commits(number)

    def after_round(self, number: RoundNumber) -> None:
        """Restore it once the round is over, in which the client has committed and revealed."""
        if number == 1:
            self.testnet.restore(VICTIM, self._kept)


class ReplayedKey(TokenThief):
    """Brings what a client shows for another contract and on another chain, and what it commits to there."""

    def during_commits(self, number: RoundNumber) -> None:
        """Be quicker than the client, with links from there; then with its own token, which was just seen."""
        here = self._ledger.staking_domain
        for there in (replace(here, contract=ANOTHER_CONTRACT), replace(here, chain_id=ETHEREUM)):
            links = self._links_in(there, number)
            for link in (links.token, links.key):
                self.steal(number, link, links.key)
        elsewhere = replace(self._ledger.shard_domains[0], chain_id=ETHEREUM)
        self.steal(number, self.links(number).token, place=elsewhere)

    def _links_in(self, staking: Domain, number: RoundNumber) -> RoundKeys:
        """What the same client, with the same seed, shows in the round of this number of another deployment."""
        seed, identifier = LinkSeed.of(self.testnet.folder / VICTIM), self.testnet.keys[VICTIM].public.identifier
        links = seed.chain(staking.chain_id, staking.contract, identifier, number=1).keys_of(number, 1)
        assert links is not None
        return links


class OtherShard(TokenThief):
    """Sends what a client says by key, word for word, to the shard that the client is not in."""

    def during_commits(self, number: RoundNumber) -> None:
        """After the client: its commitment."""
        self._repeat(self._own(number).commits())

    def during_reveals(self, number: RoundNumber) -> None:
        """After the client: its opening."""
        self._repeat(self._own(number).reveals())

    def _own(self, number: RoundNumber) -> ShardRound:
        return self._ledger.round(number).shard(self._ledger.shard_of(self.testnet.join(VICTIM)))

    def _repeat(self, said: Sequence[Committed | Reveal]) -> None:
        victim = self.testnet.join(VICTIM)
        other = self._ledger.shards[1 - self._ledger.shard_of(victim)]
        for transaction in (one.tx_hash for one in said if one.client == victim):
            self.sender.attempt(UnsentCall("repeat", other.address, read_input(self._ledger, transaction)))


class ExhaustedChain(TokenThief):
    """Knows all links of a client's chain: it had two, of the round before."""

    def __init__(self, testnet: LocalTestnet, sender: Insistent) -> None:
        super().__init__(testnet, sender)
        ledger, victim, staking = self._ledger, testnet.join(VICTIM), self._ledger.staking
        self._chain = HashChain(ROOT, link_domain(ledger.deployment.chain_id, staking.address), length=2)
        named, nonce = (self._chain.anchor, 1), staking.participant(victim).nonce
        signature = testnet.keys[VICTIM].sign(ledger.staking_domain.anchor(victim, named[0], nonce, named[1]))
        testnet.owner.send(staking.set_anchor(victim, named[0], signature=signature, first_round=named[1]))
        signing = testnet.running[VICTIM]._signing
        signing._anchor, signing._chain = named, self._chain

    def during_commits(self, number: RoundNumber) -> None:
        """Try each of them."""
        for shown in range(self._chain.length + 1):
            self.steal(number, self._chain.tip(shown), self._chain.tip(self._chain.length))


# --- reorganizations -----------------------------------------------------------------------------------------------


class Reorganizer(TokenThief):
    """Has the chain take back a round's commitments when they could be revealed, with what was shown by then."""

    def __init__(self, testnet: LocalTestnet, sender: Insistent) -> None:
        super().__init__(testnet, sender)
        self._shown: bytes | None = None

    def during_commits(self, number: RoundNumber) -> None:
        """There is nothing to take back yet; on the other branch, what was said becomes final."""
        if self._shown is not None:
            self.testnet.mine(DEPTH)

    def during_reveals(self, number: RoundNumber) -> None:
        """After the clients: take everything back that they have said; then open what was put in its place."""
        if self._shown is not None:
            self.open(number, self._shown)
            return
        heard = self.heard(self._ledger, number)
        self._shown = heard.key
        self.testnet.take_back_to(self._ledger.round(number).opened_in)
        self.steal(number, heard.token, heard.key)
        self.replay(number)

    def replay(self, number: RoundNumber) -> None:
        """What it does at once on the other branch: nothing, so that the client sees it in time."""


class LateReorganizer(Reorganizer):
    """Brings the other branch when its commit phase is over, so that the client has no time to sign."""

    def replay(self, number: RoundNumber) -> None:
        """Open what it has committed to, when the phase is over."""
        assert self._shown is not None
        self.testnet.clock.reach(self._ledger.beacon.context().phase_ends_at)
        self.finding = "an update was forged" if self.open(number, self._shown) else ""


# --- lying nodes ---------------------------------------------------------------------------------------------------


class LyingNode(TokenThief):
    """Is the node that a client asks: keeps its commitment from the chain, and says that it is final, and time up."""

    def during_commits(self, number: RoundNumber) -> None:
        """Let the client speak to a fork, and use here what it has shown there; a client that it cannot cheat hears the
        truth again, and speaks to the chain.
        """
        node, victim = self.testnet.lying_node, self.testnet.running[VICTIM]
        node.lie()
        victim.step()
        node.pass_time(self._ledger.beacon.context().phase_ends_at, blocks=DEPTH)
        victim.step()
        self._heard = self.heard(victim._ledger, number)
        if NOTHING in (self._heard.token, self._heard.key):
            node.tell_the_truth()
        self.steal(number, self._heard.token, self._heard.key)

    def during_reveals(self, number: RoundNumber) -> None:
        """Open what it has committed to; what was said on the chain is final by then."""
        self.testnet.mine(DEPTH)
        self.finding = "an update was forged" if self.open(number, self._heard.key) else ""
