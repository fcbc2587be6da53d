"""The names that others may build on: taking one away, or moving it, breaks their programs."""

import subprocess
import sys

import pytest

import qfl

PUBLIC = {
    "Architecture",
    "Auditor",
    "Challenger",
    "Client",
    "ContentStore",
    "Deployment",
    "Display",
    "IpfsStore",
    "JobConfig",
    "KemKey",
    "KeyFile",
    "Ledger",
    "MemoryStore",
    "NodeContext",
    "NormKeys",
    "Place",
    "Prover",
    "QflError",
    "Sender",
    "TrainingConfig",
    "Validator",
    "FaultDetector",
    "join",
    "load_config",
    "open_norm_keys",
    "run_job",
    "set_up_encryption",
}


def test_public_names_are_these():
    assert set(qfl.__all__) == PUBLIC == set(dir(qfl))


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_name_is_what_it_says(name):
    """A table of names and modules can point at the wrong one without any import failing."""
    found = getattr(qfl, name)
    assert found.__name__ == name
    assert found.__doc__


def test_unknown_name_is_an_attribute_error():
    """`hasattr`, pickle and star imports rely on it."""
    assert not hasattr(qfl, "Clinet")


def test_importing_the_package_loads_nothing():
    code = "import sys, qfl; print(sorted(m for m in sys.modules if m.startswith('qfl.') or m == 'numpy'))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
