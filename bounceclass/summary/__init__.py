"""What the store tells of a span of time: what the sender must fix, and all else that is worth a look. Text, JSON and HTML are made of it."""
