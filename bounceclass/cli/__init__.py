"""The command: one module a sub-command, imported by name when it is asked for."""
