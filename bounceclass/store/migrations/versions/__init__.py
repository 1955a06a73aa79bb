"""The steps. One that was published is never changed: it is a copy, and imports nothing of `schema`."""
