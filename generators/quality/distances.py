"""How far a set of fakes is from a set of reals, on features of one fixed network.

On EfficientNet-Lite0 these are FD-lite0 and KD-lite0. They are not the FID and KID of papers, which rest on another
network, and compare with nothing but themselves at the same number of pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.quality.estimates import N_GROUPS, Figure, Floats, check_features, groups, jackknife, left_out

Doubles = NDArray[np.float64]

LEAST = 1e-12
"""Keeps the logarithm of a probability of 0 finite; times 0 it adds nothing."""


def frechet(a: Floats, b: Floats) -> float:
    """Frechet distance of the normal distributions of two sets; 0 for equal mean and covariance.

    It falls as sets grow, because the covariances of few pictures differ even where their sources do not.

    Args:
        a, b: (N, D) and (M, D) features.

    Source:
        Heusel et al., NeurIPS 2017; Dowson, Landau, Journal of Multivariate Analysis 1982.
    """
    check_features(a, b)
    mean_a, root_a = _moments(a)
    mean_b, root_b = _moments(b)
    # The eigenvalues of cov_a cov_b are those of the symmetric G G^T: no root of a matrix that is not symmetric.
    product = root_a @ root_b.T
    eigenvalues = np.linalg.eigvalsh(product @ product.T)
    shared = np.sqrt(np.clip(eigenvalues, 0, None)).sum()
    distance = ((mean_a - mean_b) ** 2).sum() + (root_a**2).sum() + (root_b**2).sum() - 2 * shared
    return max(float(distance), 0.0)


def frechet_figure(a: Floats, b: Floats, rng: np.random.Generator) -> Figure:
    """`frechet` with an interval; see `estimates.jackknife` for what it is an interval of."""
    return left_out(frechet, a, b, rng=rng, low=0.0)


def kernel(a: Floats, b: Floats) -> float:
    """Unbiased squared maximum mean discrepancy under the cubic kernel (x . y / D + 1)^3; about 0 for one source.

    Args:
        a, b: (N, D) and (M, D) features, two or more each.

    Returns:
        The distance, which may be a little below 0.

    Source:
        Binkowski et al., Demystifying MMD GANs, ICLR 2018.
    """
    check_features(a, b)
    within_a, within_b, between = (_cubic(x, y) for x, y in ((a, a), (b, b), (a, b)))
    return float(_mean_of_pairs(within_a) + _mean_of_pairs(within_b) - 2 * between.mean())


def kernel_figure(a: Floats, b: Floats, rng: np.random.Generator) -> Figure:
    """`kernel` with the interval of `estimates.jackknife`."""
    check_features(a, b)
    in_a, in_b = _members(len(a), rng), _members(len(b), rng)
    within_a, within_b, between = (_cubic(x, y) for x, y in ((a, a), (b, b), (a, b)))
    for own in (within_a, within_b):
        np.fill_diagonal(own, 0.0)
    sums = (in_a @ within_a @ in_a.T, in_b @ within_b @ in_b.T, in_a @ between @ in_b.T)  # (N_GROUPS, N_GROUPS) each

    def kept(keep: Doubles) -> float:
        n_a, n_b = keep @ in_a.sum(axis=1), keep @ in_b.sum(axis=1)
        aa, bb, ab = (keep @ total @ keep for total in sums)
        return float(aa / (n_a * (n_a - 1)) + bb / (n_b * (n_b - 1)) - 2 * ab / (n_a * n_b))

    return jackknife(kept(np.ones(N_GROUPS)), np.array([kept(1 - row) for row in np.eye(N_GROUPS)]), len(a))


def inception_score(probabilities: Floats) -> float:
    """How sure the classes of single pictures are and how different those of all: from 1 to the number of classes.

    Args:
        probabilities: (N, C), each row sums to 1.

    Source:
        Salimans et al., Improved Techniques for Training GANs, NeurIPS 2016. There the network is Inception v3.
    """
    p = np.asarray(probabilities, np.float64)
    q = p.mean(axis=0)
    divergence = (p * (np.log(p + LEAST) - np.log(q + LEAST))).sum(axis=1)
    return float(np.exp(divergence.mean()))


def inception_score_figure(probabilities: Floats, rng: np.random.Generator) -> Figure:
    """`inception_score` with the interval of `estimates.jackknife`."""
    return left_out(inception_score, probabilities, rng=rng, low=1.0)


def _moments(x: Floats) -> tuple[Doubles, Doubles]:
    """Mean, and R of at most (D, D) with R^T R the covariance."""
    x = np.asarray(x, np.float64)
    mean = x.mean(axis=0)
    root = (x - mean) / np.sqrt(len(x) - 1)
    return mean, np.asarray(np.linalg.qr(root, mode="r")) if len(root) > root.shape[1] else root


def _cubic(x: Floats, y: Floats) -> Doubles:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def _mean_of_pairs(values: Doubles) -> float:
    n = len(values)
    return float((values.sum() - np.trace(values)) / (n * (n - 1)))


def _members(n: int, rng: np.random.Generator) -> Doubles:
    """(N_GROUPS, n) of 0 and 1: which picture is in which group."""
    return np.asarray(np.arange(N_GROUPS)[:, None] == groups(n, rng)[None], np.float64)
