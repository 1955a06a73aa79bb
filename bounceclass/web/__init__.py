"""`bounceclass serve`: webhooks of ESPs in, and the API."""
