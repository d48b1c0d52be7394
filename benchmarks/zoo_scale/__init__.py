"""Parts of ``benchmarks.scale``: a synthetic zoo, how it is written, queried and reported."""
