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


class StorageError(ForecastrError):
    """A file cannot be written: the disk is full, or the folder read-only."""


class ServiceError(ForecastrError):
    """A service that data comes from gave none."""


def exit_code(error: ForecastrError) -> int:
    """Return what a command exits with: 1 where the same command may succeed later, 2 where it will not."""
    return 1 if isinstance(error, (SearchError, ServiceError, StorageError, TrackingError)) else 2


def quoted(text: object, most: int = 60) -> str:
    """Return a cell or a name as errors show it: in quotes, and of a long one the beginning.

    Examples
    --------
    >>> quoted("12.5"), quoted("a very long cell", most=6)
    ("'12.5'", "'a very...'")
    """
    shown = str(text)
    return f"'{shown[:most]}...'" if len(shown) > most else f"'{shown}'"
