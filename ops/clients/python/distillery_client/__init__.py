"""Calls the models of a Distillery server, modeld, over its Unix socket."""

__version__ = "0.1.0"

from ._client import Client
from ._error import DistilleryError

__all__ = ["Client", "DistilleryError"]
