"""The parts of ``benchmarks.small_taskonomy``: images, tasks, networks, truth, measures, page."""
