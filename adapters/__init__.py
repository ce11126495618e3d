"""The doors to neighbours: HTTP, DAWG-CORE, the status file, the service manager, the command line."""
