"""Which conductances explain a recording? Likelihood-free inference, here by rejection with NumPy alone.

Run it with `python examples/inference_sbi.py`; it draws inference_sbi.png.
The simulator is a function theta (n, d) -> features (n, k), with NaN rows for what cannot be simulated: what the
package sbi expects; `neural` trains a neural posterior with it (`pip install sbi`, which brings PyTorch).
Call the simulator on whole batches, as here: one call for 20,000 rows, not 20,000 calls.
"""

from __future__ import annotations

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import hhfast as hh

PRIOR = {"g_Na": (80.0, 160.0), "g_K": (20.0, 52.0), "g_L": (0.1, 0.5)}  # mS/cm2, uniform
TRUTH = {"g_Na": 120.0, "g_K": 36.0, "g_L": 0.3}
FEATURES = ("rate", "latency", "V_max", "V_min", "V_mean")


def simulator(t_stop: float = 200.0) -> hh.BatchedSimulator:
    """Features of the response to a current step, as a function of the conductances in PRIOR."""
    space = hh.Sample("random", 1, {name: hh.Distribution("uniform", limits) for name, limits in PRIOR.items()})
    stimulus = {"kind": "step", "amplitude": 10.0, "start": 20.0}
    return hh.BatchedSimulator(
        hh.Sweep("hodgkin_huxley", space, t_stop, stimulus=stimulus, record=hh.Record(features=FEATURES)),
    )


def observed(t_stop: float = 200.0) -> np.ndarray:
    """The "recording": features of the axon with the conductances in TRUTH, (k,)."""
    return simulator(t_stop)([list(TRUTH.values())])[0]


def rejection(n: int = 100_000, keep: int = 500, t_stop: float = 200.0, seed: int = 1) -> np.ndarray:
    """The `keep` of n draws from the prior whose features are closest to the observed ones, (keep, d).

    Distances are Euclidean, each feature in units of its median absolute deviation.
    """
    low, high = np.array(list(PRIOR.values())).T
    theta = np.random.default_rng(seed).uniform(low, high, (n, len(PRIOR)))
    features = simulator(t_stop)(theta)
    usable = np.isfinite(features).all(axis=1)  # the others never spiked, and have no latency
    theta, features = theta[usable], features[usable]
    scale = np.median(np.abs(features - np.median(features, axis=0)), axis=0)
    scale[scale == 0] = 1.0
    distance = np.linalg.norm((features - observed(t_stop)) / scale, axis=1)
    return theta[np.argsort(distance)[:keep]]


def neural(n: int = 20_000, keep: int = 10_000, t_stop: float = 200.0, epochs: int = 1000) -> np.ndarray:
    """Draws from a posterior that sbi has learned from n simulations, (keep, d)."""
    import torch
    from sbi.inference import NPE
    from sbi.utils import BoxUniform

    low, high = torch.tensor(list(PRIOR.values())).T
    prior = BoxUniform(low=low, high=high)
    theta = prior.sample((n,))
    features = torch.as_tensor(simulator(t_stop)(theta), dtype=torch.float32)
    inference = NPE(prior=prior)
    inference.append_simulations(theta, features).train(max_num_epochs=epochs)  # rows with NaN are left out
    recording = torch.as_tensor(observed(t_stop), dtype=torch.float32)
    return inference.build_posterior().sample((keep,), x=recording).numpy()


def main(n: int = 100_000, keep: int = 500, t_stop: float = 200.0, picture: str = "inference_sbi.png") -> None:
    posterior = rejection(n, keep, t_stop)
    for k, (name, truth) in enumerate(TRUTH.items()):
        values = posterior[:, k]
        print(f"{name}: {values.mean():.3g} +- {values.std():.2g} mS/cm2 (truth {truth:g})")
    names = list(PRIOR)
    figure, grid = plt.subplots(3, 3, figsize=(8, 7.5), layout="constrained")
    for row, column in np.ndindex(grid.shape):
        axes = grid[row, column]
        if column > row:
            axes.axis("off")
            continue
        axes.set_xlim(PRIOR[names[column]])
        axes.axvline(TRUTH[names[column]], color="tab:red", linewidth=0.8)
        if row == column:
            axes.hist(posterior[:, row], 40, range=PRIOR[names[row]], color="tab:blue")
            axes.set_yticks([])
        else:
            axes.plot(posterior[:, column], posterior[:, row], ".", markersize=2, color="tab:blue")
            axes.axhline(TRUTH[names[row]], color="tab:red", linewidth=0.8)
            axes.set_ylim(PRIOR[names[row]])
            if column == 0:
                axes.set_ylabel(f"{names[row]} (mS/cm$^2$)")
        if row == len(names) - 1:
            axes.set_xlabel(f"{names[column]} (mS/cm$^2$)")
    figure.suptitle(f"The best {keep:,} of {n:,} squid axons; axes span the prior, red is the truth", fontsize=10)
    figure.savefig(picture, dpi=110)
    print(f"drew {picture}")


if __name__ == "__main__":
    main()
