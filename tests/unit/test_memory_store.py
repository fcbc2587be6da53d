from __future__ import annotations

import pytest
from store_behaviour import Shelf, StoreBehaviour

from qfl.storage.store import MemoryStore


class TestMemoryStore(StoreBehaviour):
    @pytest.fixture
    def shelf(self) -> Shelf:
        store = MemoryStore()

        def flip_a_byte(digest: bytes) -> None:
            data = store.blocks[digest]
            store.blocks[digest] = bytes([data[0] ^ 1]) + data[1:]

        return Shelf(store, flip_a_byte, store.collect_garbage)
