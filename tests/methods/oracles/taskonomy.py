"""Slow, plain twins of the equations in ``benchmarks.taskonomy``: loops over images and pairs."""


def win_rates(losses: list[list[float]]) -> list[list[float]]:
    """Share of images on which the row's source has the smaller loss; a tie counts half."""
    images = len(losses[0])
    return [
        [sum((a < b) + 0.5 * (a == b) for a, b in zip(x, y, strict=True)) / images for y in losses]
        for x in losses
    ]


def ordinal_affinity(rates: list[list[float]]) -> list[float]:
    """Principal eigenvector of the clipped ratios by power iteration, summing to 1."""
    count = len(rates)
    clipped = [[min(max(rate, 0.001), 0.999) for rate in row] for row in rates]
    vector = [1.0] * count
    for _ in range(500):
        vector = [
            sum(clipped[i][j] / clipped[j][i] * vector[j] for j in range(count))
            for i in range(count)
        ]
        total = sum(vector)
        vector = [value / total for value in vector]
    return vector
