"""scripts/bond.py and scripts/inspect_round.py, as `brownie run` calls them on a chain that begins empty.

bond            raises: InvalidInput (a stake below the role's minimum) · either role, with the key file's public key
inspect_round   the genesis round of a new deployment
"""

import pytest

from qfl.crypto.keyfile import KeyFile
from qfl.errors import InvalidInput
from scripts import bond, inspect_round


@pytest.fixture
def key_file(fn_isolation, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "client-1.lms"
    KeyFile.create(path, 5).close()
    return str(path)


def test_bond_refuses_a_stake_below_the_minimum(key_file):
    with pytest.raises(InvalidInput, match=r"the minimum is 1\.0+ ether"):
        bond.validator(key_file, "0.5")


@pytest.mark.parametrize(("role", "stake"), [("client", "0.1"), ("validator", "1")])
def test_bond_bonds_either_role(key_file, capsys, role, stake):
    assert getattr(bond, role)(key_file) == 1
    assert f"Participant 1: stake {stake}" in capsys.readouterr().out


def test_inspect_round_shows_the_genesis_round(fn_isolation, capsys):
    inspect_round.main()
    assert "Round 0: final" in capsys.readouterr().out
