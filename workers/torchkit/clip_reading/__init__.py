"""Clip files become lip crops, log-mel frames and pictures of both.

FFmpeg decodes through PyAV, one thread a stream; OpenCV finds faces. Both come with the extra
``zooscope[clips]`` and are imported on first use, so that a worker without them still runs.
"""
