"""What an uploaded file may claim, at most. Honest networks stay far below each of these."""

MEBIBYTE = 1024 * 1024

ARCHIVE_ENTRIES = 20_000
ARCHIVE_DIRECTORY_BYTES = 3 * MEBIBYTE
ARCHIVE_NAME_CHARACTERS = 512
ARCHIVE_RATIO = 100

# The densest honest graph found has 16 containers and 30 commas per KiB of JSON.
JSON_BYTES = 16 * MEBIBYTE
JSON_CONTAINERS = 200_000
JSON_COMMAS = 600_000

IMAGE_SIDE = 4_096

GRAPH_NODES = 5_000
GRAPH_DEPTH = 4
EXPRESSION_CHARACTERS = 1_000
LIST_ITEMS = 4_096

TENSORS = 20_000
RANK = 8
DIMENSION = 2**31
PARAMETERS = 2_000_000_000
SAFETENSORS_HEADER_BYTES = 4 * MEBIBYTE

# One intermediate value at batch 1; a 4096 x 4096 image with 64 channels just fits.
VALUE_ELEMENTS = 2**30
FLOPS = 10**14
INTEGER = 2**62
