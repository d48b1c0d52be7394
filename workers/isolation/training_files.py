"""Names of the staged files of a training, for the worker that writes and the child that reads them."""

TEACHER, DATASET, EVAL_DATASET, START = (
    "teacher_{}.pt2",
    "dataset.npy",
    "eval_dataset.npy",
    "start.pt2",
)
