"""From bytes to MIME parts: offsets, header values, decoded text. `message` picks what matters."""
