import numpy as np

from forecastr.engine.forecasting import below_reach, within_reach


def test_quantiles_stay_within_reach_of_what_their_window_has_seen():
    past = np.stack([np.array([[0.0, 2.0, 99.0]]), np.array([[1.0, 1.0, 0.0]])], axis=-1)  # 99 was not observed
    scaled = np.array([[[-1e6, -3.0, 1.0, 5.0, 1e6]]])
    # range 2 and ten scales below 0, and above 2
    np.testing.assert_array_equal(within_reach(scaled, past), [[[-12.0, -3.0, 1.0, 5.0, 14.0]]])


def test_a_forecast_of_logarithms_stays_below_what_values_allow():
    values = np.array([[10.0, 14.0, 99.0], [10.0, 10.0, 10.0]])
    seen = np.array([[True, True, False], [True, True, True]])
    quantiles = np.array([[[9.0, 25.0, 1e9]], [[9.0, 19.0, 1e9]]])
    # three times the range of 4 above 14, but at least twice 14; twice 10 where nothing varied
    np.testing.assert_array_equal(below_reach(quantiles, values, seen), [[[9.0, 25.0, 28.0]], [[9.0, 19.0, 20.0]]])
