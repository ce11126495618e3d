"""Run the daemon until SIGTERM or Ctrl-C, which let running jobs end first.

Examples:
  dawg-ai serve
  dawg-ai serve --set http.enabled=false
  dawg-ai serve --config studio.toml --set bus.router=tcp://127.0.0.1:9101 --set log.level=debug
  dawg-ai serve --set engines.analyze.workers=2
"""

import argparse

from adapters.command_line.house import House


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing but what every command takes."""
    del parser


def run(arguments: argparse.Namespace, house: House) -> int:
    """Serve."""
    del arguments
    return house.serve(house.config())
