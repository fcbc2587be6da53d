"""Moving and waiting for a chain's time, on stubs that answer like one."""

from types import SimpleNamespace

import pytest

from qfl.chain.clock import DevelopmentClock, WaitingClock
from qfl.chain.rpc.calls import UnsentCall
from qfl.errors import ChainUnreachable, ClockNotMovable


class StubChain:
    """A chain at `time` whose `evm_increaseTime` falls short by `lag` seconds the first time."""

    def __init__(self, time: int, lag: int = 0, is_movable: bool = True) -> None:
        self.time, self.lag, self.is_movable = time, lag, is_movable
        self.calls: list[tuple[str, list[int]]] = []
        self.eth = SimpleNamespace(get_block=self.get_block)
        self.provider = SimpleNamespace(endpoint_uri="http://stub", make_request=self.make_request)
        self.pending = 0
        self.web3, self.address = self, "0x01"  # also the account that pays there

    def get_block(self, _which: str) -> dict[str, int]:
        return {"timestamp": self.time}

    def make_request(self, method: str, parameters: list[int]) -> dict[str, object]:
        self.calls.append((method, parameters))
        if not self.is_movable:
            return {"error": {"code": -32601}}
        if method == "evm_increaseTime":
            self.pending = parameters[0] - self.lag
            self.lag = 0
        elif method == "evm_setNextBlockTimestamp":
            self.pending = parameters[0] - self.time
        else:
            self.time += self.pending
        return {"result": 0}


@pytest.mark.parametrize("lag", [0, 1])
def test_clock_moves_to_the_deadline(lag):
    """Ganache counts from its own clock: one block may land a second before the deadline."""
    chain = StubChain(time=1_000, lag=lag)
    DevelopmentClock(chain).reach(1_300)
    assert chain.time == 1_300


def test_time_that_is_there_already_is_left_alone():
    """An empty block for every look at the clock would fill the chain."""
    chain = StubChain(time=1_000)
    DevelopmentClock(chain).reach(900)
    DevelopmentClock(chain).reach(1_000)
    assert chain.calls == []


def test_chain_that_keeps_its_own_time_is_named():
    with pytest.raises(ClockNotMovable, match="http://stub"):
        DevelopmentClock(StubChain(time=1_000, is_movable=False)).reach(1_300)


def test_waiting_clock_returns_with_the_block_and_moves_nothing(monkeypatch):
    chain = StubChain(time=1_000)
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        chain.time += 100

    monkeypatch.setattr("time.sleep", nap)
    WaitingClock(chain, poll_seconds=0.5).reach(1_300)
    assert naps == [0.5, 0.5, 0.5]
    assert chain.calls == []


@pytest.fixture
def hands(monkeypatch):
    """The hands of this machine's clock, which sleeping moves on."""
    hands = SimpleNamespace(now=0.0)

    def nap(seconds: float) -> None:
        hands.now += seconds

    monkeypatch.setattr("time.sleep", nap)
    monkeypatch.setattr("time.monotonic", lambda: hands.now)
    return hands


class IdleChain(StubChain):
    """A chain that makes a block for a transaction only."""

    def __init__(self, hands: SimpleNamespace) -> None:
        super().__init__(time=1_000)
        self.hands = hands

    def send(self, call: UnsentCall) -> None:
        self.calls.append((call.to, [self.hands.now]))
        self.time = 1_000 + int(self.hands.now)


def test_a_chain_that_makes_no_blocks_by_itself_is_sent_a_transaction_when_it_is_time(hands):
    """Nobody else would send anything: everybody waits for the deadline."""
    chain = IdleChain(hands)
    WaitingClock(chain, poll_seconds=1).reach(1_060)
    assert chain.calls == [(chain.address, [61.0])]
    assert chain.time >= 1_060


class SlowChain(IdleChain):
    """A chain with a block every twelve seconds."""

    def get_block(self, _which: str) -> dict[str, int]:
        return {"timestamp": 1_000 + int(self.hands.now) // 12 * 12}


def test_a_chain_that_makes_blocks_by_itself_is_sent_nothing(hands):
    chain = SlowChain(hands)
    WaitingClock(chain, poll_seconds=1).reach(1_061)
    assert chain.calls == []


class DeadChain(StubChain):
    """A chain that does not answer any more."""

    def get_block(self, _which: str) -> dict[str, int]:
        raise ChainUnreachable("http://stub", "refused")


def test_chains_of_shards_come_to_the_very_second_of_the_main_one():
    """A chain that overshot would have less of its next phase than the others."""
    main, behind, ahead = StubChain(time=1_000), StubChain(time=400), StubChain(time=1_301)
    DevelopmentClock(main, behind, ahead).reach(1_300)
    assert (main.time, behind.time, ahead.time) == (1_300, 1_300, 1_301)


def test_a_chain_of_a_shard_that_is_away_holds_up_nobody():
    main, other = StubChain(time=1_000), StubChain(time=1_000)
    DevelopmentClock(main, DeadChain(time=1_000), other).reach(1_300)
    assert (main.time, other.time) == (1_300, 1_300)
    WaitingClock(main, DeadChain(time=1_000), other).reach(1_300)


def test_the_main_chains_silence_is_told():
    with pytest.raises(ChainUnreachable):
        DevelopmentClock(DeadChain(time=1_000), StubChain(time=1_000)).reach(1_300)
