"""A client's own file: what it has to hold, and what is said about anything else."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qfl.errors import InvalidInput
from qfl.simulation.config import JobConfig
from qfl.simulation.prepare import describe_job, prepare_job
from qfl.training.data.own import load_own

FEATURES, CLASSES = 4, 2
X, Y = np.array([[0, 0.5, 1, 0.25], [1, 1, 0, 0]]), np.array([1, 0], dtype=np.uint8)


def _saved(folder: Path, **arrays: Any) -> Path:
    path = folder / "mine.npz"
    np.savez(path, **arrays)
    return path


def test_samples_are_read_as_they_were_saved(tmp_path: Path) -> None:
    data = load_own(_saved(tmp_path, x=X, y=Y, names=np.array(["a", "b"])), FEATURES, CLASSES)
    assert (data.features.tolist(), data.labels.tolist()) == (X.tolist(), [1, 0])


def test_images_are_taken_row_by_row(tmp_path: Path) -> None:
    assert load_own(_saved(tmp_path, x=X.reshape(2, 2, 2), y=Y), FEATURES, CLASSES).features.tolist() == X.tolist()


def test_amplitudes_may_have_any_size(tmp_path: Path) -> None:
    assert load_own(_saved(tmp_path, x=-7 * X, y=Y), FEATURES, CLASSES).features.min() == -7


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": X}, "holds x: write it with numpy.savez"),
        ({"x": X, "y": Y[:1]}, r"x is \[2, 4\] and y \[1\]: save \[n, features\] and \[n\]"),
        ({"x": X[:0], "y": Y[:0]}, r"x is \[0, 4\]"),
        ({"x": X[:, 0], "y": Y}, r"x is \[2\]"),
        ({"x": X[:, :3], "y": Y}, "x has 3 features a sample, the job's model takes 4"),
        ({"x": X, "y": Y / 2}, "y float64: save real numbers, and whole ones"),
        ({"x": X, "y": Y + 1}, "y goes from 1 to 2: the job's model has classes 0 to 1"),
        ({"x": X, "y": Y.astype(int) - 1}, "y goes from -1 to 0"),
        ({"x": X * 255, "y": Y}, r"x goes from 0 to 255: the job's model makes angles of it, so scale it"),
        ({"x": X + np.nan, "y": Y}, "clean or drop sample 0"),
        ({"x": X.astype(object), "y": Y}, "cannot be read .*allow_pickle"),
    ],
)
def test_anything_else_is_refused_with_a_remedy(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        load_own(_saved(tmp_path, **arrays), FEATURES, CLASSES, scaled=True)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 no archive", b"x,y\n1,2\n"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_own(path, FEATURES, CLASSES)


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    """A good file's bytes, compressed."""
    path = tmp_path / "good.npz"
    np.savez_compressed(path, x=np.tile(X, (50, 1)), y=np.tile(Y, 50))
    return path.read_bytes()


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "mine.npz"
    for length in range(0, len(packed), 7):
        path.write_bytes(packed[:length])
        with pytest.raises(InvalidInput, match="data = "):
            load_own(path, FEATURES, CLASSES)


def test_a_file_with_any_byte_damaged_is_read_or_refused(tmp_path: Path, packed: bytes) -> None:
    """Encrypted, compressed as nobody can, of another version, with a length that no memory has: all of it occurs."""
    path, refused = tmp_path / "mine.npz", 0
    for place in range(len(packed)):
        damaged = bytearray(packed)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            load_own(path, FEATURES, CLASSES)
        except InvalidInput:
            refused += 1
    assert refused > len(packed) / 2


def test_an_array_that_no_memory_holds_is_refused(tmp_path: Path) -> None:
    path, header = tmp_path / "mine.npz", io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 4)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", header.getvalue())
        archive.writestr("y.npy", header.getvalue())
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_own(path, FEATURES, CLASSES)


def test_numbers_beyond_the_type_are_refused_without_a_warning(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidInput, match="NaN or infinity"):
            load_own(_saved(tmp_path, x=X + 1e300, y=Y), FEATURES, CLASSES)


@pytest.mark.parametrize("name", ["x", "y"])
def test_a_member_that_is_no_array_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.npz"
    arrays = {"x": X, "y": Y}
    del arrays[name]
    np.savez(path, **arrays)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{name}.npy", "hello")
    with pytest.raises(InvalidInput, match=r"is no array: write it with numpy\.savez"):
        load_own(path, FEATURES, CLASSES)


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", X)
    with pytest.raises(InvalidInput, match="is a single array"):
        load_own(tmp_path / "mine.npy", FEATURES, CLASSES)


def test_a_job_for_own_data_says_how_much_of_it() -> None:
    model = {"encoding": "angle", "qubits": 4, "layers": 2, "features": 4}
    with pytest.raises(InvalidInput, match=r"model.classes = None: say how many"):
        describe_job(JobConfig(dataset="own", model=model))
    job = JobConfig(dataset="own", model={**model, "classes": 3})
    assert describe_job(job).architecture.classes == 3
    with pytest.raises(InvalidInput, match="dataset = 'own': each client brings its own"):
        prepare_job(job)
