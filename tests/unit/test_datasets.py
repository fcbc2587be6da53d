"""Loading data: what is kept, how images are made to fit, and what is refused."""

import os
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from qfl.errors import DatasetMissing, InvalidInput
from qfl.training.data.datasets import LabelledData, area_resize, load_dataset, shrink_to_fit


def test_digits_are_split_four_to_one_with_every_class_in_both() -> None:
    digits = load_dataset("digits")
    assert digits.train.features.shape == (1437, 64)
    assert digits.test.features.shape == (360, 64)
    assert digits.train.features.min() == 0.0
    assert digits.train.features.max() == 1.0
    # 1,797 digits, about 180 of each class: 36 of each for testing.
    assert np.bincount(digits.test.labels).min() >= 34


def test_split_is_a_function_of_the_seed() -> None:
    first, again, other = (load_dataset("digits", seed=seed).test.features for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_classes_are_relabelled_in_the_order_given() -> None:
    everything = load_dataset("digits").test
    chosen = load_dataset("digits", classes=[7, 3])
    assert chosen.classes == 2
    np.testing.assert_array_equal(
        chosen.test.features[chosen.test.labels == 0], everything.features[everything.labels == 7]
    )
    np.testing.assert_array_equal(
        chosen.test.features[chosen.test.labels == 1], everything.features[everything.labels == 3]
    )


def test_limit_keeps_a_quarter_as_many_for_testing() -> None:
    digits = load_dataset("digits", limit=100)
    assert (len(digits.train.labels), len(digits.test.labels)) == (100, 25)


def test_images_shrink_to_what_the_model_takes() -> None:
    assert load_dataset("digits", most_features=24).train.features.shape == (1437, 16)


def test_area_resize_by_hand() -> None:
    # Three pixels onto two: the middle one counts half for each side, so (1*2 + 4*1)/3 and (4*1 + 7*2)/3.
    image = np.array([[[1, 4, 7]] * 3], np.float32)
    np.testing.assert_allclose(area_resize(image, 2), [[[2, 6]] * 2], rtol=1e-6)


def test_area_resize_keeps_the_mean() -> None:
    images = np.random.default_rng(0).random((3, 28, 28), np.float32)
    resized = area_resize(images, 8)
    assert resized.shape == (3, 8, 8)
    np.testing.assert_allclose(resized.mean((1, 2)), images.mean((1, 2)), rtol=1e-5)


def test_images_that_fit_stay_as_they_are() -> None:
    images = np.ones((1, 8, 8), np.float32)
    assert shrink_to_fit(images, 64) is images


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"name": "cifar"}, "dataset"),
        ({"name": "digits", "classes": [3]}, "classes"),
        ({"name": "digits", "classes": [3, 3]}, "classes"),
        ({"name": "digits", "classes": [3, 10]}, "classes"),
        ({"name": "digits", "limit": 0}, "limit"),
        ({"name": "digits", "most_features": 0}, "most_features"),
        ({"name": "mnist"}, "folder"),
    ],
)
def test_load_refuses(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{name} = "):
        load_dataset(**arguments)  # type: ignore[arg-type]  # wrong values are what is tried


@pytest.mark.parametrize(
    ("features", "labels", "reason"),
    [
        (np.ones((2, 3)), np.zeros(3), r"\[n, f\]"),
        (np.ones(3), np.zeros(3), r"\[n, f\]"),
        (np.ones((0, 3)), np.zeros(0), "at least 1"),
        (np.array([[1.0], [np.nan]]), np.zeros(2), "sample 1"),
        (np.array([[np.inf]]), np.zeros(1), "sample 0"),
        (np.ones((2, 1)), np.array([0, -1]), "from 0"),
    ],
)
def test_labelled_data_refuses(features: NDArray[np.float64], labels: NDArray[np.int64], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        LabelledData(features, labels)


def test_missing_files_are_reported_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="put torchvision's files there") as caught:
        load_dataset("mnist", tmp_path)
    assert caught.value.exit_code == 2


def test_download_without_a_network_is_reported(tmp_path: Path) -> None:
    # Unit tests have no sockets, so this is a machine without a network.
    with pytest.raises(DatasetMissing, match="cannot load mnist"):
        load_dataset("mnist", tmp_path, download=True)


def _write_idx(folder: Path, train: int, test: int) -> None:
    """(Fashion-)MNIST files as torchvision lays them out; image `i` of a part is all `i`, its label `i % 10`."""
    folder.mkdir(parents=True)
    for prefix, count in (("train", train), ("t10k", test)):
        images = np.repeat(np.arange(count, dtype=np.uint8), 28 * 28)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 0x803, count, 28, 28) + images.tobytes()
        )
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, count) + labels.tobytes())


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_reads_torchvisions_files(tmp_path: Path, name: str, folder: str) -> None:
    _write_idx(tmp_path / folder / "raw", train=30, test=20)
    dataset = load_dataset(name, tmp_path, most_features=64)
    assert dataset.train.features.shape == (30, 64)
    assert dataset.train.labels.tolist() == [sample % 10 for sample in range(30)]
    np.testing.assert_allclose(dataset.test.features[17], 17 / 255, rtol=1e-5)


def test_truncated_files_are_reported(tmp_path: Path) -> None:
    _write_idx(tmp_path / "MNIST" / "raw", train=30, test=20)
    images = tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-5])
    with pytest.raises(DatasetMissing):
        load_dataset("mnist", tmp_path)


def test_real_mnist() -> None:
    folder = os.environ.get("QFL_MNIST_DIR")
    if folder is None:
        pytest.skip("set QFL_MNIST_DIR to a folder with MNIST/raw/*-ubyte to run this on the real digits")
    mnist = load_dataset("mnist", Path(folder), limit=1000, most_features=64)
    assert mnist.train.features.shape == (1000, 64)
    assert set(mnist.test.labels) == set(range(10))
    # About a fifth of an MNIST image is ink.
    assert 0.08 < mnist.train.features.mean() < 0.2
