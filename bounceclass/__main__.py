"""`python -m bounceclass`."""

from bounceclass.cli.main import run

run()
