"""Pictures: the only place with matplotlib."""

from hhfast.errors import InputError

try:
    import matplotlib as mpl  # noqa: F401
except ValueError as error:  # of the user's settings: MPLBACKEND, a matplotlibrc
    raise InputError(f"matplotlib does not start: {str(error).split(';')[0]}; mend its settings") from None
