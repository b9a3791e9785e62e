import numpy as np

from forecastr.engine.forecasting import within_reach


def test_quantiles_stay_within_reach_of_what_their_window_has_seen():
    past = np.stack([np.array([[0.0, 2.0, 99.0]]), np.array([[1.0, 1.0, 0.0]])], axis=-1)  # 99 was not observed
    scaled = np.array([[[-1e6, -3.0, 1.0, 5.0, 1e6]]])
    # range 2 and ten scales below 0, and above 2
    np.testing.assert_array_equal(within_reach(scaled, past), [[[-12.0, -3.0, 1.0, 5.0, 14.0]]])
