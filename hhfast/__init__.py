"""hhfast: very many Hodgkin-Huxley neurons, fast and trustworthily.

The public names are listed in `__init__.pyi`. Each is imported when it is first used, so that `hhfast --help` does not
wait for Numba, and a type checker sees it with its own type.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, _names, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __dir__() -> list[str]:
    return [*_names(), "__version__"]
