"""Every error the project raises: what happened, where, and what to do."""


class ForecastrError(Exception):
    """Base of all errors raised on purpose; anything else is a bug of ours."""


class DataError(ForecastrError, ValueError):
    """The table cannot be used as it is."""


class ConfigError(ForecastrError, ValueError):
    """An option, or a combination of options, makes no sense."""


class SearchError(ForecastrError):
    """Training failed: every trial did, or a worker could not be started."""


class BundleError(ForecastrError, ValueError):
    """A bundle is incomplete, altered, or of a version this release cannot read."""


class TrackingError(ForecastrError):
    """The tracking store cannot be reached or written."""
