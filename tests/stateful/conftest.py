"""Runs a state machine against a chain: every example starts from the same deployment."""

from collections.abc import Callable

import pytest
from brownie import chain
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.own_chain import use_a_free_port
from tests.patience import look_up_patiently

use_a_free_port()


@pytest.fixture(scope="session", autouse=True)
def patience() -> None:
    """Brownie asks again for what Anvil has just mined."""
    look_up_patiently()


@pytest.fixture
def run_machine(module_isolation: None) -> Callable[..., None]:
    """Run a machine for `examples` examples of up to `steps` steps, each on a chain as it is now.

    They are the same ones in every run, but for what the chain itself draws.
    """

    def run(machine: Callable[[], RuleBasedStateMachine], examples: int, steps: int) -> None:
        chain.snapshot()

        def on_a_fresh_chain() -> RuleBasedStateMachine:
            chain.revert()
            return machine()

        run_state_machine_as_test(
            on_a_fresh_chain,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                suppress_health_check=list(HealthCheck),
            ),
        )

    return run
