"""Rules written for other software: what it can express, and by name what it cannot."""
