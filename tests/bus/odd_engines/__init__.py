"""Engines that cannot live, each in a lane of its own."""
