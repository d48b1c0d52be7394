"""Numbers of bytes as people read them."""

_UNITS = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def in_words(size_bytes: int) -> str:
    """A number of bytes in the largest unit that it reaches, such as "1.5 GiB"."""
    for unit, size in _UNITS:
        if size_bytes >= size:
            return f"{size_bytes / size:.1f} {unit}"
    return f"{size_bytes} bytes"
