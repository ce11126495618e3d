"""The client that config.toml describes: where to connect, and with which keys."""

import os

import zmq

from adapters.config_file import ConfigError
from adapters.settings import Config
from bus.client import BlockingClient, Client
from bus.client.conversation import reachable


def endpoints(config: Config) -> tuple[str, str]:
    """Return where the router and the publisher are reached.

    Raises
    ------
    ConfigError
        If an endpoint leaves its port to the system: then only the daemon knows it.
    """
    for name, endpoint in (("bus.router", config.bus.router), ("bus.publisher", config.bus.publisher)):
        if endpoint.endswith((":*", ":0")):
            raise ConfigError(
                f"{name}: {endpoint}; names no port, and only the daemon's log says which one it took. "
                f"--set {name}=tcp://127.0.0.1:PORT names it here"
            )
    return reachable(config.bus.router), reachable(config.bus.publisher)


def client(config: Config, *, connect_timeout_s: float = 5.0) -> Client:
    """Make the client for programs with an event loop."""
    router, publisher = endpoints(config)
    server_key, client_key = _keys(config)
    return Client(
        router, publisher, server_key=server_key, client_key=client_key, connect_timeout=connect_timeout_s
    )


def blocking_client(config: Config, *, connect_timeout_s: float = 5.0) -> BlockingClient:
    """Make the client for those without."""
    router, publisher = endpoints(config)
    server_key, client_key = _keys(config)
    return BlockingClient(
        router, publisher, server_key=server_key, client_key=client_key, connect_timeout=connect_timeout_s
    )


def _keys(config: Config) -> tuple[str | None, str | None]:
    """Take the keys from the environment, and the daemon's from its own configuration where that has it."""
    server_key = os.environ.get("DAWG_SERVER_KEY") or None
    secret = config.bus.curve.secret_key
    if server_key is None and secret:
        try:
            server_key = zmq.curve_public(secret.encode()).decode()
        except (ValueError, zmq.ZMQError):
            raise ConfigError("bus.curve.secret_key: must be a CURVE key, 40 characters of Z85") from None
    return server_key, os.environ.get("DAWG_CLIENT_KEY") or None
