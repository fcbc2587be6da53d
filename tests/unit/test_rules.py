"""What is said of a refusal: every error that the contracts raise has its rule, and a remedy that can be followed."""

from __future__ import annotations

import re

import click
import pytest

from qfl.apps.cli.main import cli
from qfl.apps.inspect.transaction import all_rules, find_rule
from qfl.chain.abi import all_entries
from qfl.chain.rpc.revert import OUT_OF_GAS, OVERTAKEN

OF_THE_CONTRACTS = {entry["name"] for entry in all_entries("error")}
OF_NO_ABI = {"Error", "Panic", "Sha256Failed", OUT_OF_GAS, OVERTAKEN}


def test_every_error_of_the_contracts_has_a_rule_and_a_remedy() -> None:
    assert OF_THE_CONTRACTS - all_rules().keys() == set()


def test_no_rule_is_of_an_error_that_is_gone() -> None:
    assert all_rules().keys() - OF_THE_CONTRACTS - OF_NO_ABI == set()


@pytest.mark.parametrize("name", sorted(all_rules()))
def test_commands_that_a_remedy_names_exist_with_their_options(name: str) -> None:
    for words in re.findall(r"`qfl ([^`]+)`", all_rules()[name].remedy):
        command: click.Command = cli
        rest = words.split()
        while isinstance(command, click.Group):
            assert rest and rest[0] in command.commands, f"{name}: no command `qfl {words}`"
            command = command.commands[rest.pop(0)]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known


def test_an_error_of_a_foreign_contract_is_not_explained_as_one_of_ours() -> None:
    assert "not of this deployment" in find_rule("reverted without a known error").rule
