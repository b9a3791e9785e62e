"""Which values a series can have, as far as those that are known tell: counts are whole and never negative."""

from dataclasses import dataclass

import numpy as np

from forecastr.schema import MEDIAN
from forecastr.windows.store import Cutoffs, SeriesStore, known_first

OFTEN = 0.01  # of the values that are 0: a place where they end, not one they pass


@dataclass(frozen=True, eq=False)
class Support:
    """The values that windows can have in their horizons.

    Parameters
    ----------
    whole : ndarray of shape (W,)
        Whether they are whole numbers.
    lowest : ndarray of shape (W,)
        What none of them is below: 0, or minus infinity.
    """

    whole: np.ndarray
    lowest: np.ndarray

    @classmethod
    def of(cls, store: SeriesStore, cutoffs: Cutoffs) -> "Support":
        """Return the support of windows, as what is known at the first cutoff of their series tells."""
        known = fit_support(known_first(store, cutoffs))
        return cls(known.whole[cutoffs.series], known.lowest[cutoffs.series])

    def possible(self, quantiles: np.ndarray) -> np.ndarray:
        """Return quantiles [W, H, Q] that these values can have.

        The median of whole numbers is one, and no number errs less. The other quantiles stay where intervals hold what
        they state, unless they would cross it; nothing lies below what values can be.

        Examples
        --------
        >>> counts = Support(np.array([True]), np.array([0.0]))
        >>> counts.possible(np.array([[[-0.8, 0.2, 1.6, 1.9, 4.2]]]))
        array([[[0. , 0.2, 2. , 2. , 4.2]]])
        """
        possible = np.maximum(quantiles, self.lowest[:, None, None])
        median = possible[..., MEDIAN]
        median[self.whole] = np.rint(median[self.whole])
        lower, upper = possible[..., :MEDIAN], possible[..., MEDIAN + 1 :]
        np.minimum(lower, median[..., None], out=lower)
        np.maximum(upper, median[..., None], out=upper)
        return possible


def fit_support(store: SeriesStore) -> Support:
    """Return the support of what is known of every series [N].

    It is of whole numbers if all that is known are. It ends at 0 if nothing is below, and either all are whole or at
    least one in a hundred is 0, as of rain or of the sun's power; a temperature that was never below 0 may be.

    Examples
    --------
    >>> store = SeriesStore(np.array([3.0, 7, 5, np.nan, -1, 0, 0.5, 1.5]), np.array([0, 3, 5, 7, 8]))
    >>> fit_support(store)
    Support(whole=array([ True,  True, False, False]), lowest=array([  0., -inf,   0., -inf]))
    """
    n_known, n_whole, n_zero, n_negative = np.zeros((4, store.n_series), int)
    for rows, series, known in store.blocks():
        values = np.asarray(store.values[rows])
        known &= np.isfinite(values)
        values, series = values[known], series[known]
        for total, of_these in (
            (n_known, slice(None)),
            (n_whole, values == np.rint(values)),
            (n_zero, values == 0),
            (n_negative, values < 0),
        ):
            total += np.bincount(series[of_these], minlength=store.n_series)
    whole = (n_known > 0) & (n_whole == n_known)
    ends = (n_known > 0) & (n_negative == 0) & (whole | (n_zero >= OFTEN * n_known))
    return Support(whole, np.where(ends, 0.0, -np.inf))
