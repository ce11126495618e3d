"""Engines that do as they are told, for tests of the bus."""
