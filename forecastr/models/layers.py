"""Keras layers that know seasons, levels and quantiles; plain ``keras.ops``, so every backend runs them."""

from typing import Any

import keras
from keras import ops

from forecastr.models.config import MEAN_SEASONS
from forecastr.models.initializers import GlorotUniform, Orthogonal, Zeros
from forecastr.models.recurrence import GRU, LSTM
from forecastr.models.sequences import ahead, last_steps, moving_mean, moving_sum, seasonal_mean, shift
from forecastr.models.theta import theta_bases
from forecastr.schema import MEDIAN, QUANTILE_LEVELS

N_QUANTILES = len(QUANTILE_LEVELS)


@keras.saving.register_keras_serializable(package="forecastr")
class CausalScaling(keras.layers.Layer):
    """Every step relative to a level and a scale known at that step.

    Call with past [B, L, 2] (value, observed); returns features [B, C, F], bases [B, S, 1 + K, H] and
    scale [B, S, 1], the bases in units of that scale relative to the level [B, S, 1] returned last.
    The first base is the seasonal naive (or the last value; or the Theta method), the others are what it may be
    mixed with.

    Parameters
    ----------
    context_length, n_steps, stride, horizon : int
        Steps read by the network, steps it forecasts from and how far they lie apart, steps it forecasts.
    season_lengths : sequence of int
        Strongest first.
    bases, transform : str
        As in ``NetworkConfig``.
    level_seasons : int
        Seasons that the level is the mean of.
    mean_steps : int
        Steps that the longest seasonal means look back on, four seasons at least.
    local_scale : bool
        Divide by the recent mean absolute change as well.
    """

    SETTINGS = (
        *("context_length", "n_steps", "stride", "horizon", "season_lengths"),
        *("bases", "transform", "level_seasons", "mean_steps", "local_scale"),
    )

    def __init__(
        self,
        *,
        context_length: int,
        n_steps: int,
        stride: int,
        horizon: int,
        season_lengths: tuple[int, ...],
        bases: str,
        transform: str,
        level_seasons: int,
        local_scale: bool,
        mean_steps: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.context_length, self.horizon = context_length, horizon
        self.n_steps, self.stride = n_steps, stride
        self.season_lengths = tuple(season_lengths)
        self.bases, self.transform = bases, transform
        self.level_seasons, self.mean_steps, self.local_scale = level_seasons, mean_steps, local_scale

    def call(self, past: Any) -> tuple[Any, Any, Any, Any]:
        """Return features, bases, scale and level."""
        values, observed = past[..., 0], past[..., 1]
        level = self._level(values, observed)
        change = (values - shift(values, 1)) * observed * shift(observed, 1)
        volatility = moving_mean(ops.abs(change), observed, 20, last=self.context_length)
        scale = ops.maximum(volatility, 0.05) if self.local_scale else ops.ones_like(volatility)
        bases = self._bases(values, observed, level)
        steps = slice(int(last_steps(self.context_length, self.n_steps, self.stride)[0]), None, self.stride)
        scale_s, level_s = scale[:, steps, None], level[:, steps, None]
        scaled = (bases - level_s[:, :, None, :]) / scale_s[:, :, None, :]
        first = scaled[:, :, :1]
        directions = ops.concatenate([first, scaled[:, :, 1:] - first], axis=2)
        return (
            self._features(values, observed, level, change, volatility, scale),
            directions,
            scale_s,
            level_s,
        )

    def _n_means(self, season_length: int) -> int:
        """Return how many seasons of a length the longest seasonal means are of."""
        return max(MEAN_SEASONS, self.mean_steps // season_length)

    def _level(self, values: Any, observed: Any) -> Any:
        season = self.season_lengths[0]
        if season == 1 or self.transform == "difference":
            return values[:, -self.context_length :]
        return moving_mean(values, observed, season * self.level_seasons, last=self.context_length)

    def _bases(self, values: Any, observed: Any, level: Any) -> Any:
        """Stack [B, S, 1 + K, H]: what an untrained network forecasts first."""
        season, first_back = self.season_lengths[0], (self.n_steps - 1) * self.stride

        def over(x: Any, length: int = season) -> Any:
            return ahead(x, length, n_steps=self.n_steps, stride=self.stride, horizon=self.horizon)

        def usual(x: Any, length: int, n_seasons: int) -> Any:
            return over(seasonal_mean(x, observed, length, n_seasons, last=first_back + length), length)

        bases = [over(values)]
        if season > 1 and self.bases != "naive":
            mean = moving_mean(values, observed, season, last=first_back + 1 + season)
            seen = shift(moving_sum(observed, season, last=first_back + 1 + season), season) > 0
            growth = ops.where(seen, mean - shift(mean, season), 0.0)
            bases += [usual(values, season, n) for n in (2, 4, 8)]
            bases += [over(values, 1), over(level, 1), bases[0] + over(growth, 1)]
            bases += [usual(values, other, 2) for other in self.season_lengths[1:]]
        if season > 1 and self.bases in ("deviations", "theta"):
            around = values - moving_mean(values, observed, season)
            bases += [
                over(level, 1) + usual(around, length, n)
                for length in self.season_lengths
                for n in (1, 2, 4, *([self._n_means(length)] if self.mean_steps else []))
            ]
        if self.bases == "theta":
            steps = {"n_steps": self.n_steps, "stride": self.stride, "horizon": self.horizon}
            n_means = self._n_means(max(self.season_lengths))
            bases = [*theta_bases(values, observed, self.season_lengths, n_means, **steps), *bases]
        return ops.stack(bases, axis=2)

    def _features(self, values: Any, observed: Any, level: Any, change: Any, volatility: Any, scale: Any) -> Any:
        """Stack what the recurrent layers read [B, C, F]; nothing in it is later than its step."""
        n_read = self.context_length
        features = [change[:, -n_read:] / scale, observed[:, -n_read:], 0.5 * ops.log(volatility + 0.05)]
        if self.transform != "difference" and self.season_lengths[0] > 1:
            features.append((values[:, -n_read:] - level) / scale)
        for length in self.season_lengths:
            if length > 1:
                usual = seasonal_mean(values, observed, length, self._n_means(length), last=n_read + length - 1)
                same_phase_next, usual_next = (shift(x, length - 1)[:, -n_read:] for x in (values, usual))
                features += [(same_phase_next - level) / scale, (usual_next - level) / scale]
        # Far outliers keep their sign and order, and lose their leverage.
        return ops.arcsinh(ops.stack(features, axis=-1))

    def compute_output_shape(self, past_shape: Any) -> tuple[tuple[int | None, ...], ...]:
        """Return the shapes of what ``call`` returns, which Keras would find by calling it twice."""
        n_seasons = len(self.season_lengths) if self.season_lengths[0] > 1 else 0
        n_features = 3 + 2 * sum(length > 1 for length in self.season_lengths)
        n_features += bool(n_seasons) and self.transform != "difference"
        n_bases = 4 * (self.bases == "theta") + 1
        n_bases += (n_seasons + 5) * (bool(n_seasons) and self.bases != "naive")
        n_bases += (3 + bool(self.mean_steps)) * n_seasons * (self.bases in ("deviations", "theta"))
        at_steps = (past_shape[0], self.n_steps, 1)
        return (
            (past_shape[0], self.context_length, n_features),
            (past_shape[0], self.n_steps, n_bases, self.horizon),
            at_steps,
            at_steps,
        )

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), **{name: getattr(self, name) for name in CausalScaling.SETTINGS}}


@keras.saving.register_keras_serializable(package="forecastr")
class QuantileHead(keras.layers.Layer):
    """Quantiles that start at the first base and cannot cross: [B, S, U] -> [B, S, H, Q].

    The median is the first base, plus learned shares of the other directions, plus a learned
    correction; all learned parts start at zero. The other quantiles step outward from it.
    """

    def build(self, input_shape: Any) -> None:
        """Create the weights from the shapes of state [B, S, U] and directions [B, S, 1 + K, H]."""
        (_, _, units), (_, _, n_bases, horizon), *_ = input_shape
        n_shares, zeros = n_bases - 1, Zeros()
        self.correction = self.add_weight(shape=(units, horizon), initializer=zeros, name="correction")
        self.correction_bias = self.add_weight(shape=(horizon,), initializer=zeros, name="correction_bias")
        self.share = self.add_weight(shape=(units, n_shares), initializer=zeros, name="share")
        self.share_bias = self.add_weight(shape=(n_shares, horizon), initializer=zeros, name="share_bias")
        self.spread_step = self.add_weight(shape=(units, horizon), initializer=zeros, name="spread_step")
        self.spread_level = self.add_weight(shape=(units, N_QUANTILES - 1), initializer=zeros, name="spread_level")
        self.spread_bias = self.add_weight(
            shape=(horizon, N_QUANTILES - 1), initializer=keras.initializers.Constant(0.5), name="spread_bias"
        )

    def call(self, inputs: Any) -> Any:
        """Return quantiles of (state, directions, scale, level)."""
        state, directions, scale, level = inputs
        median = directions[:, :, 0] + ops.matmul(state, self.correction) + self.correction_bias
        shares = ops.matmul(state, self.share)[..., None] + self.share_bias  # [B, S, K, H]
        median = median + ops.sum(shares * directions[:, :, 1:], axis=2)
        spread = ops.matmul(state, self.spread_step)[..., None] + ops.matmul(state, self.spread_level)[:, :, None]
        return spread_quantiles(median, ops.softplus(spread + self.spread_bias), scale, level)


def spread_quantiles(median: Any, steps: Any, scale: Any, level: Any) -> Any:
    """Return quantiles [B, S, H, Q] from a median [B, S, H] and positive steps outward [B, S, H, Q - 1]."""
    quantiles = [median]
    for q in range(MEDIAN, N_QUANTILES - 1):
        quantiles.append(quantiles[-1] + steps[..., q])
    for q in range(MEDIAN - 1, -1, -1):
        quantiles.insert(0, quantiles[0] - steps[..., q])
    return ops.stack(quantiles, axis=-1) * scale[..., None] + level[..., None]


@keras.saving.register_keras_serializable(package="forecastr")
class DecoderHead(keras.layers.Layer):
    """A recurrent decoder over the horizon: state [B, 1, U] and bases at each step -> [B, 1, H, Q]."""

    def __init__(self, *, cell: str, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cell, self.units = cell, units
        self.decoder = recurrent_layer(cell, units, return_sequences=True, name="decoder")
        self.output_layer = keras.layers.Dense(N_QUANTILES, kernel_initializer=Zeros(), name="steps")

    def build(self, input_shape: Any) -> None:
        """Build the inner layers from the shapes of state and directions."""
        (_, _, units), (_, _, n_bases, horizon), *_ = input_shape
        self.decoder.build((None, horizon, units + n_bases))
        self.output_layer.build((None, horizon, self.units))

    def call(self, inputs: Any) -> Any:
        """Return quantiles of (state, directions, scale, level)."""
        state, directions, scale, level = inputs
        horizon = directions.shape[-1]
        along = ops.transpose(directions[:, 0], (0, 2, 1))
        repeated = ops.repeat(state, horizon, axis=1)
        steps = self.output_layer(self.decoder(ops.concatenate([repeated, along], axis=-1)))
        median = (along[..., 0] + steps[..., 0])[:, None]
        return spread_quantiles(median, ops.softplus(steps[:, None, :, 1:] + 0.5), scale, level)

    def get_config(self) -> dict[str, Any]:
        """Return what rebuilds the layer."""
        return {**super().get_config(), "cell": self.cell, "units": self.units}


def recurrent_layer(cell: str, units: int, **kwargs: Any) -> keras.layers.Layer:
    """Return one recurrent layer with the settings that the fused kernels can run.

    Plain cells use ReLU and start at the identity (Le, Jaitly and Hinton 2015), the gated ones orthogonal.
    """
    kernel, bias = GlorotUniform(), Zeros()
    if cell == "rnn":
        identity = keras.initializers.Identity()
        return keras.layers.SimpleRNN(
            units,
            activation="relu",
            kernel_initializer=kernel,
            recurrent_initializer=identity,
            bias_initializer=bias,
            **kwargs,
        )
    kind = {"gru": GRU, "lstm": LSTM}[cell]
    return kind(units, kernel_initializer=kernel, recurrent_initializer=Orthogonal(), bias_initializer=bias, **kwargs)
