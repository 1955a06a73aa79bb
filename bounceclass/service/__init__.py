"""What makes `bounceclass run` a service: its log, its health, its metrics, and its terms with the system that starts it."""
