"""Differential privacy of a client's updates: the Gaussian mechanism on what a round's training changed.

A client bounds its change in length, and adds noise to it before anything else is done with it; lanes, residual, rule
and model are made from that (post-processing). So the guarantee holds against everybody who reads updates, validators
and other clients included, and nobody has to be trusted to add noise. It is for a client's data as a whole: all of it
may be exchanged for any other data.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from qfl.errors import ExtraMissing

DELTA = 1e-5
"""Probability with which the bound given by epsilon may fail."""


def privatise(change: NDArray[np.float64], clip: float, noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """`change` (`[d]`) shortened to a length of at most `clip`, with noise of `noise * clip` on every coordinate.

    Clipping and noise as in Abadi et al. 2016 (arXiv:1607.00133, algorithm 1), of an update instead of a gradient
    (McMahan et al. 2018, arXiv:1710.06963). Noise in floating point is not exactly Gaussian (Mironov 2012).
    """
    length = float(np.linalg.norm(change))
    bounded = change * (clip / length) if length > clip else change
    return bounded + rng.normal(0.0, noise * clip, change.shape)


def spent_epsilon(noise: float, updates: int) -> float:
    """Epsilon, at `DELTA`, of a client that has published so many updates: an upper bound, by Opacus' accountant.

    Two changes of a length up to `clip` are up to twice that apart, so the noise counts as half of what it is. The
    accountant adds up Renyi divergences (Mironov 2017, arXiv:1702.07476).

    Raises:
        ExtraMissing: the accountant is not installed.
    """
    try:
        from opacus.accountants import RDPAccountant
    except ImportError as error:
        raise ExtraMissing("differential privacy", "dp", str(error)) from error
    if updates == 0:
        return 0.0
    accountant = RDPAccountant()
    accountant.history = [(noise / 2, 1.0, updates)]
    with warnings.catch_warnings():
        # It says when another order would give a tighter bound: this one holds as well.
        warnings.simplefilter("ignore", UserWarning)
        return float(accountant.get_epsilon(DELTA))
